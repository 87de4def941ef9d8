import { Header, type Answer, type ReplyCodec, type Row } from 'vue-ai-transport/codec'

/** A message with only text, and optionally a question with its answer. */
export interface Note {
  id: string
  role: string
  text: string
  answer?: string
}

/** A piece of text; null ends it. */
export type NoteChunk = string | null

const textOf = (row: Row): string => (typeof row.data === 'string' ? row.data : '')

export const answerNote = (text: string): Answer => ({ type: 'answer', codec: { kind: 'note-answer' }, data: text })

export const noteCodec: ReplyCodec<Note, NoteChunk> = {
  name: 'note',
  create: (id, role) => ({ id, role, text: '' }),
  decodes: ({ codec, transport }) => /^note(-answer)?$/.test(codec.kind ?? '') && Header.messageId in transport,
  fold: (draft) => (row) => {
    const note = draft.message(row.transport[Header.messageId]!, row.transport[Header.role] ?? 'assistant')
    note[row.codec.kind === 'note' ? 'text' : 'answer'] = textOf(row)
    return note
  },
  grow: (note, row) => void ((note as Note).text = textOf(row)),
  inputs(given) {
    if (typeof given === 'string') return [{ type: 'message', message: { id: '', role: 'user', text: given } }]
    if (Array.isArray(given)) return given
    return 'text' in given ? [{ type: 'message', message: given }] : [given as never]
  },
  encode(input) {
    if (input.type === 'message')
      return { role: 'user', parts: [{ codec: { kind: 'note' }, data: input.message.text }] }
    return { parts: [input.type === 'answer' ? input : { codec: { kind: 'regenerate' }, data: '' }] }
  },
  encoder(streamId) {
    let isOpen = false
    return {
      encode(chunk) {
        if (chunk === null) return [{ op: 'close', streamId }]
        if (isOpen) return [{ op: 'append', streamId, data: chunk }]
        isOpen = true
        return [{ op: 'open', streamId, codec: { kind: 'note' } }, { op: 'append', streamId, data: chunk }] // prettier-ignore
      },
    }
  },
}
