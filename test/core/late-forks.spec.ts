import { expect, it } from 'vitest'
import type { ChannelMessage } from '../../src/core/wire'
import { randomFrom, shuffled } from '../support/channel-table'
import { hear, newTree, stateOf } from '../support/transcripts'
import { later, message, output, prompt, runMessage } from './wire'

const start = (run: string, inputId: string): ChannelMessage =>
  runMessage('ai-run-start', run, { 'invocation-id': `${run}-1`, 'input-codec-message-id': inputId, parent: 'p' })
const call = (toolCallId: string): ChannelMessage =>
  output('r1', { kind: 'tool-input', toolCallId, toolName: 'look' }, {}, { 'codec-message-id': 'm1' })
const waiting = (): ChannelMessage[] => [
  prompt('p'),
  start('r1', 'p'),
  call('c1'),
  call('c2'),
  runMessage('ai-run-suspend', 'r1', { 'invocation-id': 'r1-1' }),
]
const answer = (by: string, toolCallId = 'c1'): ChannelMessage => ({
  ...message(
    'ai-input',
    { role: 'user', 'codec-message-id': 'm1', 'run-id': 'r1', 'event-id': by },
    { kind: 'tool-result', toolCallId },
    { output: by },
  ),
  clientId: by,
})
const fork = (by: string, toolCallId = 'c1', { id = by, supersedes = 'r1' } = {}): ChannelMessage => {
  const parts = ['c1', 'c2'].map((id) => ({ type: 'tool-look', toolCallId: id, state: 'input-available', input: {} }))
  const messages = [{ codecMessageId: id, message: { id: 'm1', role: 'assistant', parts } }]
  return {
    ...message(
      'ai-input',
      { role: 'assistant', 'codec-message-id': id, parent: 'p', supersedes },
      { kind: 'tool-result', toolCallId },
      { output: by, forkSeed: { messages } },
    ),
    clientId: by,
  }
}
const resume = (): ChannelMessage => runMessage('ai-run-resume', 'r1', { 'invocation-id': 'r1-2' })

/** The outputs that are shown, by call, and the runs and forks of the branch. */
const shown = (tree: ReturnType<typeof newTree>): unknown => {
  const parts = stateOf(tree).messages.flatMap(
    ({ message: { parts } }) => parts as unknown as Record<string, unknown>[],
  )
  return parts.flatMap(({ toolCallId, output }) =>
    output === undefined ? [] : [`${toolCallId as string}: ${output as string}`],
  )
}

const inAnyOrder = (messages: readonly ChannelMessage[]): ReturnType<typeof newTree>[] =>
  Array.from({ length: 20 }, (_, seed) => {
    const tree = newTree()
    for (const each of shuffled(messages, randomFrom(seed))) {
      hear(tree, [each])
      tree.settle()
    }
    return tree
  })

it('a fork that comes after an answer to the same call shows nothing, before and after the run has gone on', () => {
  const rows = [...waiting(), answer('alice'), fork('bob')]
  for (const tree of inAnyOrder(rows)) expect(shown(tree)).toEqual(['c1: alice'])
  const end = runMessage('ai-run-end', 'r1', { 'run-reason': 'complete' })
  for (const tree of inAnyOrder([...rows, resume(), end])) {
    expect(shown(tree)).toEqual(['c1: alice'])
    expect(stateOf(tree).runs).toMatchObject([{ runId: 'r1', status: 'complete' }])
  }
})

it('an answer that comes after a fork of the same call changes nothing, and its sender can learn that', () => {
  const begin = waiting()
  const early = fork('bob')
  const late = answer('alice')
  const rows = [...begin, early, late]
  for (const tree of [...inAnyOrder(rows), ...inAnyOrder([...rows, start('r2', 'bob')])]) {
    expect(shown(tree)).toEqual(['c1: bob'])
    const run = tree.runs.get('r1')!
    expect(run.answers.before(tree.log.get(late.serial!)!)).toMatchObject({
      outcome: 'output',
      row: { clientId: 'bob' },
    })
    expect((run.message('m1') as unknown as { parts: unknown[] }).parts.at(-2)).toMatchObject({
      state: 'input-available',
    })
  }
})

it('of two forks of one call the first one shows, unless an agent has accepted the later one', () => {
  const rows = [...waiting(), fork('alice'), fork('bob')]
  for (const tree of inAnyOrder(rows)) expect(shown(tree)).toEqual(['c1: alice'])
  for (const tree of inAnyOrder([...rows, start('r2', 'alice')])) expect(shown(tree)).toEqual(['c1: alice'])
  for (const tree of inAnyOrder([...rows, start('r2', 'bob')])) expect(shown(tree)).toEqual(['c1: bob'])
})

it('an answer that its run has gone on with outranks an earlier fork, unless the run of the fork has started', () => {
  const begin = waiting()
  const early = fork('bob')
  const used = answer('alice')
  const named = { ...resume(), extras: { ai: { transport: { 'run-id': 'r1', 'invocation-id': 'r1-2', 'answer-serials': JSON.stringify([used.serial]) } } } } // prettier-ignore
  const rows = [...begin, early, used, named]
  for (const tree of inAnyOrder(rows)) expect(shown(tree)).toEqual(['c1: alice'])
  for (const tree of inAnyOrder([...rows, start('r2', 'bob')])) expect(shown(tree)).toEqual(['c1: bob'])
})

it('a fork of another call than the one that was answered takes the place of the run', () => {
  const rows = [...waiting(), answer('alice', 'c1'), fork('bob', 'c2')]
  for (const tree of inAnyOrder(rows)) expect(shown(tree)).toEqual(['c2: bob'])
})

it('a late fork shows after all when the answer before it is deleted', () => {
  const begin = waiting()
  const first = answer('alice')
  const rows = [...begin, first, fork('bob')]
  for (const tree of inAnyOrder([...rows, later(first, 'message.delete', {})])) expect(shown(tree)).toEqual(['c1: bob'])
})

it('a fork stands or falls with its first answer: the others of a late fork block no call', () => {
  const begin = waiting()
  const first = answer('alice', 'c1')
  const [late, more] = [fork('bob', 'c1'), fork('bob', 'c2')]
  const last = answer('carol', 'c2')
  for (const tree of inAnyOrder([...begin, first, late, more, last]))
    expect(shown(tree)).toEqual(['c1: alice', 'c2: carol'])
  const rows = [...waiting(), fork('bob', 'c1'), answer('carol', 'c2'), fork('bob', 'c2')]
  for (const tree of inAnyOrder(rows)) expect(shown(tree)).toEqual(['c1: bob', 'c2: bob'])
})

/** What is shown, and which forks are late. */
const seen = (tree: ReturnType<typeof newTree>): string =>
  JSON.stringify([
    stateOf(tree).messages.map(({ codecMessageId }) => codecMessageId),
    [...tree.forks.placeholderRuns.values()].map(({ key, isSuperseded }) => [key, isSuperseded]),
  ])

/** What trees show that take in the messages in any order, one by one or all at once. */
const seenInAnyOrder = (messages: readonly ChannelMessage[]): Set<string> => {
  const all = Array.from({ length: 40 }, (_, seed) => {
    const tree = newTree()
    hear(tree, shuffled(messages, randomFrom(seed)))
    return tree
  })
  return new Set([...inAnyOrder(messages), ...all].map(seen))
}

it('a late fork that names no run any more shows the same in any order of arrival', () => {
  const messages = [...waiting(), answer('alice')]
  const late = fork('bob')
  const update = later(late, 'message.update', { transport: { supersedes: undefined }, data: late.data })
  expect(seenInAnyOrder([...messages, late, update]).size).toBe(1)
})

it('two forks with one message id, which name different runs, show the same in any order of arrival', () => {
  const ofOther = { 'codec-message-id': 'm2' }
  const other = [
    start('r2', 'p'),
    output('r2', { kind: 'tool-input', toolCallId: 'c1', toolName: 'look' }, {}, ofOther),
    runMessage('ai-run-suspend', 'r2', { 'invocation-id': 'r2-1' }),
    message(
      'ai-input',
      { role: 'user', ...ofOther, 'run-id': 'r2', 'event-id': 'alice' },
      { kind: 'tool-result', toolCallId: 'c1' },
      { output: 'alice' },
    ),
  ]
  const forks = [fork('bob', 'c1', { id: 'F' }), fork('eve', 'c1', { id: 'F', supersedes: 'r2' })]
  expect(seenInAnyOrder([...waiting(), ...other, ...forks]).size).toBe(1)
})

it('a fork of a run that has ended has its late text, whether or not the stream of that text closes', () => {
  const headers = { stream: 'true', 'stream-id': 'c1', 'codec-message-id': 'm1' }
  const begun = output('r1', { kind: 'tool-input', toolCallId: 'c1', toolName: 'look' }, '', { ...headers, status: 'streaming' }) // prettier-ignore
  for (const status of ['streaming', 'complete']) {
    const tree = newTree({ isAgent: () => true })
    hear(tree, [prompt('p'), start('r1', 'p'), begun, runMessage('ai-run-end', 'r1')])
    tree.endOverdue()
    hear(tree, [fork('f1'), start('r2', 'f1')])
    hear(tree, [later(begun, 'message.append', { data: '{"at":"noon"}', transport: { ...headers, status } })])
    const parts = (run: string, id: string) => tree.runs.get(run)!.message(id)!.parts
    expect(parts('r1', 'm1')).toMatchObject([{}, { input: { at: 'noon' } }])
    expect(parts('r2', 'f1')).toMatchObject([{}, { input: { at: 'noon' }, output: 'f1' }])
  }
})

it('text of no run that completes late changes nothing', () => {
  const open = { stream: 'true', 'stream-id': 'c1', 'run-id': undefined }
  const begun = output('r1', { kind: 'text', id: '0' }, '', { ...open, status: 'streaming' })
  const tree = newTree()
  hear(tree, [begun, later(begun, 'message.append', { data: 'Rome', transport: { ...open, status: 'complete' } })])
  expect(tree.runs.size).toBe(0)
})
