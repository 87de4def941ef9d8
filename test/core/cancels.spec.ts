import { describe, expect, it } from 'vitest'
import { ownerOnly } from '../../src/core/access'
import { randomFrom, shuffled } from '../support/channel-table'
import { hear, newTree, stateOf } from '../support/transcripts'
import { message, prompt, runMessage } from './wire'

const first = 10

const targets: [string, (n: number) => ReturnType<typeof message>][] = [
  ['a run', (n) => runMessage('ai-cancel', 'r', { 'event-id': `e${n}` })],
  ['the prompt of a run', (n) => message('ai-cancel', { 'input-codec-message-id': 'p', 'event-id': `e${n}` })],
]

const run = () => [prompt('p'), runMessage('ai-run-start', 'r', { 'input-codec-message-id': 'p', parent: 'p' })]

const treeOf = (messages: readonly ReturnType<typeof message>[]) => {
  const tree = newTree()
  hear(tree, [...messages])
  tree.settle()
  return tree
}

describe.each(targets)('a flood of cancels of %s', (_, cancelOf) => {
  const cancels = (count: number, clients: number) =>
    Array.from({ length: count }, (__, n) => ({ ...cancelOf(n), clientId: `stranger-${n % clients}` }))

  it('keeps the first ten and the newest of one client', () => {
    const start = run()
    const flood = cancels(1000, 1)
    const tree = treeOf([...start, ...flood])
    expect(tree.cancels.of(tree.runs.get('r')!).map(({ serial }) => serial)).toEqual(
      [...flood.slice(0, first), flood.at(-1)!].map(({ serial }) => serial),
    )
    expect([...tree.log.rows()]).toHaveLength(2 + first + 1)
  })

  it('keeps the first ten and the newest of each of many clients, in any order of arrival', () => {
    const byAdmin = (n: number) => ({ ...cancelOf(n), clientId: 'admin' })
    const messages = [...run(), ...cancels(1000, 500), byAdmin(1000), ...cancels(1000, 5)]
    const kept = (clientId: string) => {
      const all = messages.filter((each) => each.clientId === clientId)
      return new Set([...all.slice(0, first), all.at(-1)!])
    }
    const expected = messages.filter((each) => each.name === 'ai-cancel' && kept(each.clientId!).has(each))
    for (let seed = 0; seed < 5; seed++) {
      const tree = treeOf(seed === 0 ? messages : shuffled(messages, randomFrom(seed)))
      const rows = tree.cancels.of(tree.runs.get('r')!)
      expect(rows.map(({ serial }) => serial)).toEqual(expected.map(({ serial }) => serial))
      expect(rows.filter(({ clientId }) => clientId === 'admin')).toHaveLength(1)
    }
  })

  it('the same are kept in whichever order they arrive, with and without refusals', () => {
    const start = run()
    const flood = cancels(1000, 300)
    const refusals = [50, 400, 999].map((n) =>
      runMessage('x-ai-cancel-refused', 'r', {
        'cancel-serial': flood[n]!.serial,
        'cancel-client-id': flood[n]!.clientId,
      }),
    )
    const messages = [...start, ...flood, ...refusals]
    const inOrder = treeOf(messages)
    const expected = inOrder.cancels.of(inOrder.runs.get('r')!).map(({ serial }) => serial)
    for (let seed = 1; seed <= 20; seed++) {
      const tree = treeOf(seed === 1 ? messages.toReversed() : shuffled(messages, randomFrom(seed)))
      expect(tree.cancels.of(tree.runs.get('r')!).map(({ serial }) => serial)).toEqual(expected)
      expect(stateOf(tree)).toEqual(stateOf(inOrder))
    }
  })

  it('a refusal covers also those of its client that are not kept', () => {
    const start = run()
    const flood = cancels(500, 1)
    const refused = flood[300]!
    const refusal = runMessage('x-ai-cancel-refused', 'r', {
      'cancel-serial': refused.serial,
      'cancel-client-id': refused.clientId,
    })
    const messages = [...start, ...flood.slice(0, 400)]
    const tree = treeOf([...messages, refusal])
    expect(tree.runs.get('r')!.info().cancelling).toMatchObject({ at: flood[399]!.timestamp })
    hear(tree, [
      runMessage('x-ai-cancel-refused', 'r', {
        'cancel-serial': flood[399]!.serial,
        'cancel-client-id': refused.clientId,
      }),
    ])
    tree.settle()
    expect(tree.runs.get('r')!.info().cancelling).toMatchObject({ refused: true })
  })
})

describe('if a policy lets owners only cancel', () => {
  const ownersOnly = { isAgent: (clientId?: string) => clientId === 'agent', policy: ownerOnly }
  const by = (clientId: string, given: ReturnType<typeof message>) => ({ ...given, clientId })

  it.each(targets)(
    "a flood of other clients' cancels of %s takes the place of no cancel by the owner",
    (_, cancelOf) => {
      const messages = [
        by('alice', prompt('p')),
        by('agent', runMessage('ai-run-start', 'r', { 'input-codec-message-id': 'p', 'input-client-id': 'alice', parent: 'p' })), // prettier-ignore
        ...Array.from({ length: 100 }, (__, n) => by('stranger', cancelOf(n))),
        by('alice', cancelOf(100)),
        ...Array.from({ length: 300 }, (__, n) => by(`stranger-${n}`, cancelOf(101 + n))),
      ]
      for (let seed = 0; seed < 10; seed++) {
        const order = seed === 0 ? messages : seed === 1 ? messages.toReversed() : shuffled(messages, randomFrom(seed))
        const tree = newTree(ownersOnly)
        hear(tree, [...order])
        tree.settle()
        const run = tree.runs.get('r')!
        expect(tree.cancels.of(run).map(({ clientId }) => clientId)).toEqual(['alice'])
        expect(run.info().cancelling).toMatchObject({ by: 'alice' })
        expect([...tree.log.rows()]).toHaveLength(2 + first + 1 + 300 + 1)
      }
    },
  )
})

it('a cancel that names neither a run nor an input is ignored', () => {
  const tree = treeOf([...run(), message('ai-cancel', { 'event-id': 'e' }), runMessage('ai-cancel', '')])
  expect(tree.cancels.naming('')).toEqual([])
})

it('of the cancels whose runs are unknown 2,000 of each client are kept, though others of them are surplus', () => {
  const cancelOf = (id: string) => ({ ...runMessage('ai-cancel', id), clientId: 'stranger' })
  const unknown = Array.from({ length: 1989 }, (_, n) => cancelOf(`unknown-${n}`))
  const same = Array.from({ length: first + 1 }, () => cancelOf('same'))
  const further = Array.from({ length: 300 }, (_, n) => [cancelOf('same'), cancelOf(`further-${n}`)]).flat()
  const tree = treeOf([...unknown, ...same, ...further])
  expect([...tree.log.rows()]).toHaveLength(2000)
})

it('a cancel from before the prompt does not count for the run, also if the prompt arrives after the run was packed', () => {
  const cancel = () => message('ai-cancel', { 'input-codec-message-id': 'p', 'event-id': 'e' })
  const early = cancel()
  const [asked, started] = run()
  const late = cancel()
  const ended = runMessage('ai-run-end', 'r', { 'run-reason': 'cancelled' })
  const tree = treeOf([early, started!, late, ended])
  tree.compact([tree.runs.get('r')!])
  expect(tree.runs.get('r')!.info().cancelledBy?.at).toBe(early.timestamp)
  hear(tree, [asked!])
  expect(tree.runs.get('r')!.info().cancelledBy?.at).toBe(late.timestamp)
})
