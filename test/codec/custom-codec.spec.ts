import { expect, it } from 'vitest'
import { watch } from 'vue'
import { Header, type Codec, type Row } from '../../src/codec'
import { walk } from '../../src/core/branch'
import { Tree } from '../../src/core/tree'
import { vuePort } from '../../src/store/vue-port'
import { MemoryChannel } from './channel'

interface Note {
  id: string
  role: string
  text: string
}

/** A piece of text; null ends it. */
type NoteChunk = string | null

const codec = { kind: 'note' }

const follow = (note: Note, row: Row): void => {
  note.text = typeof row.data === 'string' ? row.data : ''
}

const noteCodec: Codec<Note, NoteChunk> = {
  name: 'note',
  create: (id, role) => ({ id, role, text: '' }),
  decodes: (row) => row.codec.kind === 'note' && row.transport[Header.messageId] !== undefined,
  fold: (draft) => (row) => {
    const note = draft.message(row.transport[Header.messageId]!, row.transport[Header.role] ?? 'assistant')
    follow(note, row)
    return note
  },
  grow: (note, row) => follow(note as Note, row),
  inputs(given) {
    if (typeof given === 'string') return [{ type: 'message', message: { id: 'new', role: 'user', text: given } }]
    if (Array.isArray(given)) return given
    return 'text' in given ? [{ type: 'message', message: given }] : [given as never]
  },
  encode: (input) =>
    input.type === 'message'
      ? { role: 'user', parts: [{ codec, data: input.message.text }] }
      : { parts: [{ codec: { kind: 'regenerate' }, data: '' }] },
  encoder(streamId) {
    let isOpen = false
    return {
      encode(chunk) {
        if (chunk === null) return [{ op: 'close', streamId }]
        if (isOpen) return [{ op: 'append', streamId, data: chunk }]
        isOpen = true
        return [{ op: 'open', streamId, codec }, { op: 'append', streamId, data: chunk }] // prettier-ignore
      },
    }
  },
}

async function conversation(): Promise<MemoryChannel> {
  const channel = new MemoryChannel()
  channel.prompt(noteCodec, 'Hello', 'p1')
  await channel.reply(noteCodec, ['Hi', ' there', null], { runId: 'r1', messageId: 'm1', parent: 'p1' })
  await channel.reply(noteCodec, ['And', ' more', null], { runId: 'r1', messageId: 'm2' })
  channel.prompt(noteCodec, { id: 'x', role: 'user', text: 'Bye' }, 'p2')
  await channel.reply(noteCodec, ['So', ' long', null], { runId: 'r2', messageId: 'm3', parent: 'p2' })
  return channel
}

const whole = [
  { id: 'p1', role: 'user', text: 'Hello' },
  { id: 'm1', role: 'assistant', text: 'Hi there' },
  { id: 'm2', role: 'assistant', text: 'And more' },
  { id: 'p2', role: 'user', text: 'Bye' },
  { id: 'm3', role: 'assistant', text: 'So long' },
]

const newTree = () => new Tree<Note>(noteCodec, vuePort)

function notesOf(tree: Tree<Note>): Note[] {
  tree.settle()
  return walk(tree, { picked: new Map() }).flatMap(({ node, ids }) => ids.map((id) => node.message(id)!))
}

it('is all it takes for messages of another kind, live', async () => {
  const { live } = await conversation()
  const tree = newTree()
  for (const message of live) {
    tree.apply(message)
    tree.settle()
  }
  expect(notesOf(tree)).toEqual(whole)
})

it.each([1, 2, 3, 100])('and read back in pages of %i', async (pageSize) => {
  const { history } = await conversation()
  const tree = newTree()
  for (let start = 0; start < history.length; start += pageSize) {
    for (const message of history.slice(start, start + pageSize).toReversed()) tree.apply(message)
    tree.settle()
  }
  expect(notesOf(tree)).toEqual(whole)
})

it('shows its messages grow, also after earlier ones of the same node came in', async () => {
  const { live } = await conversation()
  const isOf = (id: string) => (message: (typeof live)[number]) =>
    (message.extras as { ai: { transport: Record<string, string> } }).ai.transport[Header.messageId] === id
  const [create, first, ...rest] = live.filter(isOf('m2'))
  const tree = newTree()
  for (const message of [create!, first!]) tree.apply(message)
  tree.settle()
  const shown = tree.runs.get('r1')!.viewMessage('m2')
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
