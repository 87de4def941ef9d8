import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hasNuxtModule, loadNuxt, useNuxt } from '@nuxt/kit'
import type { Nuxt } from '@nuxt/schema'
import { afterEach, describe, expect, it } from 'vitest'
import { here } from '../../scripts/entries'
import aiTransport, { type ModuleOptions } from '../../src/nuxt/module'

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

/** Sets up the module in an empty app, as `nuxt prepare` does, and lets the test look at Nuxt. */
async function setUp(
  options: Partial<ModuleOptions>,
  look: (nuxt: Nuxt) => void = () => undefined,
  more: object = {},
): Promise<void> {
  const cwd = mkdtempSync(join(tmpdir(), 'nuxt-module-'))
  folders.push(cwd)
  mkdirSync(join(cwd, 'node_modules'))
  symlinkSync(here('node_modules/nuxt'), join(cwd, 'node_modules/nuxt'))
  const overrides = {
    modules: [aiTransport],
    aiTransport: options,
    _prepare: true,
    logLevel: 'silent',
    ...more,
  } as const
  // The types of this option come from the files that Nuxt generates in an app
  const nuxt = await loadNuxt({ cwd, overrides: overrides as object })
  nuxt.hook('ready', look)
  await nuxt.ready()
  await nuxt.close()
}

describe('the module', () => {
  it('installs Pinia, and keeps everything of its options that is for the server out of the public config', async () => {
    let seen = {}
    await setUp({ archive: '/api/archive' }, ({ options: { runtimeConfig } }) => {
      const { aiTransport: own, public: open } = runtimeConfig as unknown as Record<string, object>
      seen = { own, open: JSON.stringify(open), hasPinia: hasNuxtModule('pinia', useNuxt()) }
    })
    const own = { key: '', ably: {}, agents: 'agent', namespace: 'ai', token: '/api/ably/token' }
    expect(seen).toEqual({ own, open: expect.not.stringContaining('aiTransport'), hasPinia: true })
  })

  it.each(['key', 'token', 'tokenDetails'])(
    'refuses the option `ably.%s`, which browsers would get',
    async (secret) => {
      await expect(setUp({ ably: { [secret]: 'secret' } })).rejects.toThrow(
        `unable to set up AI sessions; "aiTransport.ably.${secret}" would reach browsers. Set NUXT_AI_TRANSPORT_KEY in the environment of the server`,
      )
    },
  )

  it('names the packages to install if Pinia is missing', async () => {
    const alias = { '@pinia/nuxt': '/nowhere/pinia' }
    await expect(setUp({}, undefined, { alias })).rejects.toThrow(
      'unable to set up AI sessions; they need Pinia. Run "npm install pinia @pinia/nuxt"',
    )
  })
})
