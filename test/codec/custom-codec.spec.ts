import { expect, it } from 'vitest'
import { watch } from 'vue'
import { BranchWalk } from '../../src/core/branch'
import { Tree } from '../../src/core/tree'
import { Header, type ChannelMessage } from '../../src/core/wire'
import { vuePort } from '../../src/store/vue-port'
import { message } from '../core/wire'
import { MemoryChannel } from './channel'
import { answerNote, noteCodec, type Note } from './note-codec'

async function conversation(): Promise<MemoryChannel> {
  const channel = new MemoryChannel()
  channel.prompt(noteCodec, 'Hello', 'p1')
  await channel.reply(noteCodec, ['Hi', ' there', null], { runId: 'r1', messageId: 'm1', parent: 'p1' })
  await channel.reply(noteCodec, ['And', ' more', null], { runId: 'r1', messageId: 'm2' })
  channel.prompt(noteCodec, { id: 'x', role: 'user', text: 'Bye' }, 'p2')
  await channel.reply(noteCodec, ['So', ' long', null], { runId: 'r2', messageId: 'm3', parent: 'p2' })
  return channel
}

const whole: Note[] = [
  { id: 'p1', role: 'user', text: 'Hello' },
  { id: 'm1', role: 'assistant', text: 'Hi there' },
  { id: 'm2', role: 'assistant', text: 'And more' },
  { id: 'p2', role: 'user', text: 'Bye' },
  { id: 'm3', role: 'assistant', text: 'So long' },
]

const newTree = () => new Tree<Note>(noteCodec, vuePort)

function notesOf(tree: Tree<Note>): Note[] {
  tree.settle()
  return new BranchWalk(tree, { picked: new Map() }).path.flatMap(({ node, ids }) => ids.map((id) => node.message(id)!))
}

it('a custom codec needs two functions for messages of another kind, live', async () => {
  const { live } = await conversation()
  const tree = newTree()
  for (const message of live) {
    tree.apply(message)
    tree.settle()
  }
  expect(notesOf(tree)).toEqual(whole)
})

it.each([1, 2, 3, 100])('and from history in pages of %i', async (pageSize) => {
  const { history } = await conversation()
  const tree = newTree()
  for (let start = 0; start < history.length; start += pageSize) {
    for (const message of history.slice(start, start + pageSize).toReversed()) tree.apply(message)
    tree.settle()
  }
  expect(notesOf(tree)).toEqual(whole)
})

/** An answer as a client publishes it into a run. */
function answered(text: string): ChannelMessage {
  const [input] = noteCodec.inputs(answerNote(text))
  const [part] = noteCodec.encode(input!).parts
  return message('ai-input', { 'run-id': 'r1', 'codec-message-id': 'm2', role: 'user' }, part!.codec, part!.data)
}

it('a custom codec adds answers to its messages, in any order of arrival', async () => {
  const { live } = await conversation()
  const answers = [answered('yes'), answered('no')]
  for (const messages of [
    [...live, ...answers],
    [...answers.toReversed(), ...live],
  ]) {
    const tree = newTree()
    for (const message of messages) tree.apply(message)
    expect(notesOf(tree)).toEqual(whole.with(2, { ...whole[2]!, answer: 'no' }))
  }
})

it('a request for another reply adds no message with a custom codec', () => {
  const [part] = noteCodec.encode({ type: 'regenerate' }).parts
  const tree = newTree()
  tree.apply(message('ai-input', { 'codec-message-id': 'x', role: 'user' }, part!.codec, part!.data))
  expect(notesOf(tree)).toEqual([])
})

it('messages of a custom codec grow, also after earlier ones of the same node arrived', async () => {
  const { live } = await conversation()
  const isOf = (id: string) => (message: (typeof live)[number]) =>
    (message.extras as { ai: { transport: Record<string, string> } }).ai.transport[Header.messageId] === id
  const [create, first, ...rest] = live.filter(isOf('m2'))
  const tree = newTree()
  for (const message of [create!, first!]) tree.apply(message)
  tree.settle()
  const shown = tree.runs.get('r1')!.viewMessage('m2')!
  const seen: string[] = []
  const stop = watch(() => shown.message.text, (text) => seen.push(text), { flush: 'sync' }) // prettier-ignore
  for (const message of [...live.filter(isOf('m1')), ...rest]) {
    tree.apply(message)
    tree.settle()
  }
  stop()
  expect(seen).toEqual(['And more'])
  expect(tree.runs.get('r1')!.message('m1')!.text).toBe('Hi there')
})
