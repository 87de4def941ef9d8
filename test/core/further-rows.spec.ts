import { expect, it } from 'vitest'
import type { ChannelMessage } from '../../src/core/wire'
import { hear, newTree } from '../support/transcripts'
import { output, prompt, runMessage } from './wire'

/** A message that counts the reads of its headers. */
function watched(message: ChannelMessage, looked: () => void): ChannelMessage {
  const { ai } = message.extras as { ai: { transport: Record<string, string> } }
  const get = (headers: Record<string, string>, name: string): string | undefined => {
    looked()
    return headers[name]
  }
  return { ...message, extras: { ai: { ...ai, transport: new Proxy(ai.transport, { get: get as never }) } } }
}

const preliminary = (progress: number, transport = {}): ChannelMessage =>
  output('r', { kind: 'tool-output-available', toolCallId: 'c', preliminary: 'true' }, { output: progress }, transport)

const call = (): ChannelMessage => output('r', { kind: 'tool-input', toolCallId: 'c', toolName: 'look' }, {})

it('a further output of a reply does not read the earlier ones again', () => {
  const tree = newTree()
  let looks = 0
  hear(tree, [prompt('p'), runMessage('ai-run-start', 'r', { 'input-codec-message-id': 'p' }), call()])
  hear(
    tree,
    Array.from({ length: 200 }, (_, progress) => watched(preliminary(progress), () => looks++)),
  )
  looks = 0
  hear(tree, [preliminary(200)])
  expect(tree.runs.get('r')!.message('m')!.parts).toMatchObject([{ type: 'step-start' }, { output: 200 }])
  expect(looks).toBe(0)
})

it('a further output that consumes a steer is still noticed', () => {
  const tree = newTree()
  const steer = prompt('s', { 'run-id': 'r', discrete: 'true' })
  hear(tree, [runMessage('ai-run-start', 'r'), call(), preliminary(1), steer, preliminary(2)])
  const shown = tree.runs.get('r')!.viewMessage('s')!
  expect(shown.steer).toBe('waiting')
  hear(tree, [preliminary(3, { 'steer-codec-message-ids': '["s"]' })])
  expect(shown.steer).toBe('consumed')
})

it('an output of a run that is being written changes nothing but its message', () => {
  const tree = newTree()
  hear(tree, [prompt('p'), runMessage('ai-run-start', 'r', { 'input-codec-message-id': 'p' }), call()])
  tree.apply(preliminary(1))
  expect(tree.settle()).toMatchObject({ structure: false, changed: [] })
  expect(tree.runs.get('r')!.message('m')!.parts).toMatchObject([{ type: 'step-start' }, { output: 1 }])
  tree.apply(output('r', { kind: 'text' }, 'one more', { 'codec-message-id': 'n' }))
  expect(tree.settle()).toMatchObject({ structure: true, moved: [{ ids: ['m', 'n'] }], changed: [] })
  expect(tree.messageCount).toBe(3)
})

it.each([
  ['is suspended', () => runMessage('ai-run-suspend', 'r')],
  ['is cancelled', () => runMessage('ai-cancel', 'r')],
])('an output of a run that %s is told', (_, event) => {
  const tree = newTree()
  hear(tree, [prompt('p'), runMessage('ai-run-start', 'r', { 'input-codec-message-id': 'p' }), call(), event()])
  tree.apply(preliminary(1))
  expect(tree.settle().changed).toEqual([tree.runs.get('r')])
})
