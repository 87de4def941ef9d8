import { expect, it } from 'vitest'
import type { UIMessage } from 'ai'
import { UIMessageCodec } from '../../src/codec'
import { Tree } from '../../src/core/tree'
import { vuePort } from '../../src/store/vue-port'
import type { ChannelMessage } from '../../src/core/wire'
import { message, output, runMessage } from '../core/wire'
import { hear, newTree } from '../support/transcripts'

const call = { type: 'tool-weather', toolCallId: 'c', state: 'input-available', input: { city: 'Rome' } }
const seed = (codecMessageId: unknown, parts: unknown, more: object = {}) => ({
  codecMessageId,
  message: { id: 'same', role: 'assistant', parts, ...more },
})
const answer = (messages: unknown, codec: Record<string, unknown> = {}, data: object = { output: 'sunny' }) =>
  message(
    'ai-input',
    { 'run-id': 'r', 'codec-message-id': 'm', role: 'assistant' },
    { kind: 'tool-result', toolCallId: 'c', ...codec },
    { ...data, forkSeed: { messages } },
  )
const messagesOf = (tree: Tree<UIMessage>) => {
  const run = tree.runs.get('r')!
  return Array.from(run.ids, (id) => [id, run.message(id)] as const)
}
const shown = (...rows: ChannelMessage[]) => {
  const tree = newTree()
  hear(tree, rows)
  return messagesOf(tree)
}
const answered = { ...call, state: 'output-available', output: 'sunny' }

it('a fork starts with the messages that the answer copies', () => {
  const asked = seed('u', [{ type: 'text', text: 'And Rome?' }], { id: 'steer', role: 'user' })
  const row = answer([asked, seed('m', [{ type: 'step-start' }, call], { metadata: { model: 'a' } })])
  expect(shown(row)).toEqual([
    ['u', { id: 'steer', role: 'user', parts: [{ type: 'text', text: 'And Rome?' }] }],
    ['m', { id: 'same', role: 'assistant', parts: [{ type: 'step-start' }, answered], metadata: { model: 'a' } }],
  ])
})

it('a failed tool call copies messages, too', () => {
  const row = answer([seed('m', [call])], { kind: 'tool-result-error' }, { message: 'closed' })
  expect(shown(row)[0]![1]!.parts).toEqual([{ ...call, state: 'output-error', errorText: 'closed' }])
})

it('the copies are added once, even if a second answer contains others', () => {
  const two = [call, { ...call, toolCallId: 'd' }]
  const rows = [answer([seed('m', two)]), answer([seed('m', two)], { toolCallId: 'd' })]
  expect(shown(...rows)).toEqual([['m', expect.objectContaining({ parts: [answered, { ...answered, toolCallId: 'd' }] })]]) // prettier-ignore
})

it('a fork continues the copies: its data parts replace copied ones', () => {
  const place = (data: unknown) => ({ type: 'data-place', id: '1', data })
  const rows = [answer([seed('m', [call, place('Rome')])]), output('r', { kind: 'data-place', id: '1' }, 'Oslo')]
  expect(shown(...rows)[0]![1]!.parts).toEqual([answered, place('Oslo')])
})

it('the copies stay unchanged, so that building the run again gives the same messages, and Vue shows them', () => {
  const tree = new Tree<UIMessage>(UIMessageCodec, vuePort)
  const early = output('r', { kind: 'start', messageId: 'same' }, '', { 'codec-message-id': 'early' })
  const row = answer([seed('m', [call])])
  hear(tree, [row])
  const view = tree.runs.get('r')!.viewMessage('m')!
  hear(tree, [early, output('r', { kind: 'tool-output-available', toolCallId: 'c' }, { output: 'rain' })])
  hear(tree, [runMessage('ai-run-end', 'r')])
  expect(row.data).toMatchObject({ forkSeed: { messages: [seed('m', [call])] } })
  expect(view.message.parts).toEqual([{ ...answered, output: 'rain' }])
})

it.each([
  ['a value that is not a list', 'x'],
  ['entries that are not messages', [null, 7, 'm', [], {}]],
  ['an id that is not a string', [seed(7, [call])]],
  ['parts that are not parts', [seed('m', 'x'), seed('m', undefined), { codecMessageId: 'm' }]],
])('a fork ignores copies with %s', (_, messages) => {
  expect(shown(answer(messages))).toEqual([])
})

it('a fork ignores copied parts without a type, and makes malformed ones harmless', () => {
  const odd = [null, 'x', {}, { type: 7 }, { type: 'text' }, { type: 'tool-weather', state: 7 }, call]
  expect(shown(answer([seed('m', odd, { id: 7, role: 'system' })]))).toEqual([
    ['m', {
      id: 'm',
      role: 'assistant',
      parts: [{ type: 'text', text: '' }, { type: 'tool-weather', toolCallId: '', state: '' }, answered],
    }],
  ]) // prettier-ignore
})
