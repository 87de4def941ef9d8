import { stepsOf } from '../support/steps'
import { describe, expect, it } from 'vitest'
import { ownerOnly } from '../../src/core/access'
import type { ChannelMessage } from '../../src/core/wire'
import { message, output, prompt } from '../core/wire'
import { aSession, ended, started } from '../support/told-session'

type Heard = ReturnType<typeof prompt>

const by = (clientId: string, given: ChannelMessage) => ({ ...given, clientId }) as Heard

const owned = (given: Heard): Heard => {
  const { transport } = (given.extras as { ai: { transport: Record<string, string> } }).ai
  return { ...given, extras: { ai: { transport: { ...transport, 'input-client-id': 'alice' } } } }
}

/** A session of alice with one answered prompt, in which each user may act on own prompts and runs only. */
async function answeredSession() {
  const told = await aSession([by('alice', prompt('p'))], undefined, ownerOnly)
  told.hear(
    by('agent', owned(started('r', 'p'))),
    by('agent', output('r', { kind: 'text', id: 't' }, 'Hello', { 'codec-message-id': 'm', status: 'complete' })),
    by('agent', ended('r')),
  )
  return told
}

const floods: [string, number, (n: number) => Heard][] = [
  ['prompts', 2000, (n) => prompt(`f${n}`, { parent: n === 0 ? 'm' : `f${n - 1}` })],
  ['prompts beside each other', 2000, (n) => prompt(`f${n}`, { parent: 'm' })],
  ['regenerations', 300, (n) => message('ai-input', { 'codec-message-id': `g${n}`, 'event-id': `g${n}`, regenerates: 'm', parent: 'p' })], // prettier-ignore
]

describe.each(floods)('a flood of a stranger\'s %s under "ownerOnly"', (_, count, make) => {
  it('does not make the session look busy to its owner, and each costs one refresh at most', async () => {
    const { view, hear, woken, published } = await answeredSession()
    let refreshes = 0
    view.on('update', () => refreshes++)
    for (let n = 0; n < count; n++) {
      hear(by('mallory', make(n)))
      expect(view.isRunning).toBe(false)
    }
    expect(refreshes).toBeLessThanOrEqual(count)
    expect(view.runs().map(({ status }) => status)).toEqual(['complete'])
    expect(woken).toEqual([])
    expect(published).toEqual([])
    await view.send('Mine', { wake: false })
    expect(view.isRunning).toBe(true)
  })

  it('costs the same for each, however many came before', async () => {
    const { hear, view } = await answeredSession()
    const part = count / 4
    const stepsFrom = (from: number): number =>
      stepsOf(() => {
        for (let n = from; n < from + part; n++) hear(by('mallory', make(n)))
        void view.isRunning
      })
    const [first, ...others] = [0, 1, 2, 3].map((index) => stepsFrom(index * part))
    expect(others.at(-1)! / first!).toBeLessThan(1.6)
  })
})
