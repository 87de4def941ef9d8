import { expect, it } from 'vitest'
import { Siblings } from '../../src/core/siblings'
import type { ChannelMessage } from '../../src/core/wire'
import { hear, newTree, stateOf } from '../support/transcripts'
import { message, output, prompt, runMessage } from './wire'

const start = (run: string, inputId: string, parent?: string) =>
  runMessage('ai-run-start', run, { 'invocation-id': `${run}-1`, 'input-codec-message-id': inputId, parent })
const call = { kind: 'tool-input', toolCallId: 'c', toolName: 'look' }
const waiting = (): ChannelMessage[] => [
  prompt('p'),
  start('r1', 'p', 'p'),
  output('r1', call, {}, { 'codec-message-id': 'm1', 'invocation-id': 'r1-1' }),
  runMessage('ai-run-suspend', 'r1', { 'invocation-id': 'r1-1' }),
]
const fork = (id: string, supersedes: string | undefined = 'r1') => {
  const part = { type: 'tool-look', toolCallId: 'c', state: 'input-available', input: {} }
  const messages = [
    { codecMessageId: `${id}-0`, message: { id: 'm0', role: 'assistant', parts: [{ type: 'text', text: 'Hm' }] } },
    { codecMessageId: id, message: { id: 'm1', role: 'assistant', parts: [part] } },
  ]
  return message(
    'ai-input',
    {
      role: 'assistant',
      'codec-message-id': id,
      parent: 'p',
      'run-client-id': 'bob',
      ...(supersedes && { supersedes }),
    },
    { kind: 'tool-result', toolCallId: 'c' },
    { output: 1, forkSeed: { messages } },
  )
}
const ids = (tree: ReturnType<typeof newTree>) => stateOf(tree).messages.map(({ codecMessageId }) => codecMessageId)

it('a fork takes the place of the run it continues, even if the fork arrives first', () => {
  const [tree, back] = [newTree(), newTree()]
  const all = [...waiting(), fork('f'), start('r2', 'f', 'p')]
  hear(tree, all)
  hear(back, all.toReversed())
  for (const each of [tree, back]) {
    expect(ids(each)).toEqual(['p', 'f-0', 'f'])
    expect(stateOf(each).runs).toMatchObject([{ runId: 'r2', status: 'active' }])
    expect(each.runs.get('r1')!.state.status).toBe('suspended')
    expect(each.nodeOf('m1')?.key).toBe('r1')
    expect(each.nodeOf('f-0')?.key).toBe('r2')
  }
})

it('a fork shows as a placeholder, which is no run, until its run starts', () => {
  const tree = newTree()
  hear(tree, [...waiting(), fork('f')])
  expect(ids(tree)).toEqual(['p', 'f-0', 'f'])
  expect(stateOf(tree).runs).toEqual([])
  expect([...tree.forks.placeholderRuns.values()].map((run) => [run.key, run.viewMessage('f')!.state])).toEqual([
    ['f', 'complete'],
  ])
  hear(tree, [start('r2', 'f', 'p')])
  expect([...tree.forks.placeholderRuns.values()]).toEqual([])
  expect(tree.nodes().map(({ key }) => key)).toEqual(['p', 'r1', 'r2'])
  expect(tree.messageCount).toBe(4)
})

it('a fork belongs to the earliest run that names it, even if that run arrives later', () => {
  const [early, late] = [start('r2', 'f', 'p'), start('r3', 'f', 'p')]
  const tree = newTree()
  hear(tree, [...waiting(), fork('f'), late])
  expect(tree.nodeOf('f')?.key).toBe('r3')
  hear(tree, [early])
  expect(tree.nodeOf('f')?.key).toBe('r2')
  expect(tree.nodeOf('f-0')?.key).toBe('r2')
  expect(tree.runs.get('r3')!.size).toBe(0)
})

it('a fork sorts by the answer that started it', () => {
  const answer = fork('f')
  const beside = prompt('beside', { parent: 'p' })
  const tree = newTree()
  hear(tree, [...waiting(), answer, beside, start('r2', 'f', 'p')])
  expect(ids(tree)).toEqual(['p', 'f-0', 'f', 'beside'])
})

it('a fork that brings its own messages needs no run to replace', () => {
  const tree = newTree()
  hear(tree, [prompt('p'), fork('f', '')])
  expect(ids(tree)).toEqual(['p', 'f-0', 'f'])
})

it('a fork without messages and without a run to replace shows nothing', () => {
  const tree = newTree()
  hear(tree, [prompt('p'), prompt('system', { role: 'system', parent: 'p' })])
  expect(ids(tree)).toEqual(['p'])
})

it('a fork gives the message it replaces its alternatives, once there are several (17.12)', () => {
  const tree = newTree()
  const at = (id: string) => new Siblings(tree).at(id).map((version) => version.id)
  hear(tree, [...waiting(), fork('f'), start('r2', 'f', 'p')])
  expect(at('m1')).toEqual(['m1'])
  hear(tree, [fork('g'), start('r3', 'g', 'p')])
  expect(at('m1')).toEqual(['f-0', 'g-0'])
  expect(at('f-0')).toEqual(['f-0', 'g-0'])
  expect(at('f')).toEqual(['f'])
  expect(at('p')).toEqual(['p'])
  expect(at('unknown')).toEqual([])
})

it('forks that name themselves or each other do no harm', () => {
  const tree = newTree()
  hear(tree, [...waiting(), fork('f', 'r2'), start('r2', 'f', 'p'), fork('g', 'r4'), start('r3', 'g', 'p'), fork('h', 'r3'), start('r4', 'h', 'p')]) // prettier-ignore
  expect(ids(tree)).toEqual(['p', 'f-0', 'f'])
  expect(new Siblings(tree).at('g-0')).toHaveLength(1)
})
