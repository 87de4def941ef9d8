import { readFileSync } from 'node:fs'
import { format } from 'prettier'
import { describe, expect, it } from 'vitest'
import { providers } from '../providers/providers'
import { states } from '../providers/states'
import { exceptionsOf, tableOf } from '../providers/told'

const page = readFileSync(new URL('../../docs/context.md', import.meta.url), 'utf8')

const formatted = async (markdown: string): Promise<string> =>
  (await format(markdown, { parser: 'markdown', printWidth: 120, proseWrap: 'preserve' })).trim()

describe('docs/context.md', () => {
  it('has the table of states that the provider tests run', async () => {
    expect(page).toContain(await formatted(tableOf(states)))
  })

  it('names the providers, and the states that they do not have', async () => {
    expect(page).toContain(await formatted(exceptionsOf(providers)))
  })
})
