import type { UIMessage, UIMessageChunk } from 'ai'
import { describe, expect, it } from 'vitest'
import { createUIMessageCodec } from '../../src/codec'
import { Tree } from '../../src/core/tree'
import type { ChannelMessage } from '../../src/core/wire'
import { later, message, output } from '../core/wire'
import { hear, newTree } from '../support/transcripts'

const call = { toolCallId: 'c', toolName: 'weather' }
const streamed = { stream: 'true', status: 'streaming', 'stream-id': 'c' }

const input = (data: unknown, codec: Record<string, unknown> = {}) =>
  output('r', { kind: 'tool-input', ...call, ...codec }, data, { stream: 'false' })
const inputStream = (data = '') => output('r', { kind: 'tool-input', ...call }, data, streamed)
const append = (of: ChannelMessage, data: string, status = 'streaming') =>
  later(of, 'message.append', { data, transport: { status } })
const result = (value: unknown, codec: Record<string, unknown> = {}) =>
  output('r', { kind: 'tool-output-available', toolCallId: 'c', ...codec }, { output: value })
const approvalRequest = () => output('r', { kind: 'tool-approval-request', toolCallId: 'c', approvalId: 'a' })

/** An answer that a client publishes into the run. */
const answer = (codec: Record<string, unknown>, data: unknown = '') =>
  message('ai-input', { 'run-id': 'r', 'codec-message-id': 'm', role: 'user' }, { toolCallId: 'c', ...codec }, data)
const approval = (approved: boolean, reason?: string) =>
  answer({ kind: 'tool-approval-response', approved: String(approved), ...(reason !== undefined && { reason }) })

const partsOf = (tree: Tree<UIMessage>) => tree.runs.get('r')!.message('m')!.parts

/** The tool part after all rows; it is the same if they arrive in reverse, as can happen with history. */
function folded(...rows: ChannelMessage[]): Record<string, unknown> {
  const tree = newTree()
  hear(tree, rows)
  const parts = structuredClone(partsOf(tree))
  const paged = newTree()
  for (const serial of [...new Set(rows.map((row) => row.serial))].toReversed()) {
    hear(paged, rows.filter((row) => row.serial === serial)) // prettier-ignore
  }
  expect(partsOf(paged)).toEqual(parts)
  expect(parts.map(({ type }) => type)).toEqual(['step-start', parts[1]!.type])
  return parts[1] as Record<string, unknown>
}

const part = { type: 'tool-weather', toolCallId: 'c' }

describe('the input of a call', () => {
  it('counts as soon as the received text is complete JSON', () => {
    const tree = newTree()
    const stream = inputStream()
    const state = (data: string, status?: string) => {
      hear(tree, [append(stream, data, status)])
      const { input: known, state: name } = partsOf(tree)[1] as { input?: unknown; state: string }
      return [name, known]
    }
    hear(tree, [stream])
    expect(partsOf(tree)).toEqual([{ type: 'step-start' }, { ...part, state: 'input-streaming' }])
    expect(state('{"city":')).toEqual(['input-streaming', undefined])
    expect(state('{}')).toEqual(['input-streaming', undefined])
    expect(state('}')).toEqual(['input-streaming', { city: {} }])
    expect(state('', 'complete')).toEqual(['input-available', { city: {} }])
  })

  it('is its text if that is not JSON, and undefined if there is none', () => {
    const broken = inputStream()
    expect(folded(broken, append(broken, 'in Rome', 'complete'))).toEqual({ ...part, state: 'input-available', input: 'in Rome' }) // prettier-ignore
    const empty = inputStream()
    expect(folded(empty, append(empty, '', 'complete'))).toEqual({ ...part, state: 'input-available' })
  })

  it('can come in one piece, with more fields of the call', () => {
    const row = input({ city: 'Rome' }, { dynamic: 'true', title: 'Weather', providerExecuted: 'true' })
    expect(folded(row)).toEqual({
      type: 'dynamic-tool',
      toolName: 'weather',
      toolCallId: 'c',
      title: 'Weather',
      providerExecuted: true,
      state: 'input-available',
      input: { city: 'Rome' },
    })
  })

  it('that is complete after the outcome does not remove the outcome', () => {
    const stream = inputStream()
    const rows = [stream, append(stream, '{"city":'), result('sunny'), append(stream, '"Rome"}', 'complete')]
    const done = { ...part, state: 'output-available', input: { city: 'Rome' }, output: 'sunny' }
    const tree = newTree()
    hear(tree, rows)
    expect(partsOf(tree)[1]).toEqual(done)
    expect(folded(...rows)).toEqual(done)
  })

  it('can be invalid, with or without an earlier call', () => {
    const wrong = () => output('r', { kind: 'tool-input-error', ...call }, { errorText: 'no city', input: { town: 1 } })
    const failed = { ...part, state: 'output-error', errorText: 'no city', input: { town: 1 } }
    const alone = newTree()
    hear(alone, [wrong()])
    expect(partsOf(alone)).toEqual([failed])
    expect(folded(inputStream(), wrong())).toEqual(failed)
  })

  it('stays invalid if the rest of its stream arrives later', () => {
    const stream = inputStream()
    const wrong = output('r', { kind: 'tool-input-error', ...call }, { errorText: 'no city', input: { town: 1 } })
    const failed = { ...part, state: 'output-error', errorText: 'no city', input: { town: 1 } }
    const tree = newTree()
    hear(tree, [stream, wrong, append(stream, '{"a":1}', 'complete')])
    expect(partsOf(tree)[1]).toEqual(failed)
    expect(folded(stream, wrong, append(stream, '{"a":1}', 'complete'))).toEqual(failed)
  })
})

describe('the outcome of a call', () => {
  it('replaces preliminary outputs, and the last one stays', () => {
    const rows = [input(1), result('half', { preliminary: 'true' })]
    expect(folded(...rows)).toEqual({ ...part, state: 'output-available', input: 1, output: 'half', preliminary: true })
    expect(folded(...rows, result('whole'))).toEqual({ ...part, state: 'output-available', input: 1, output: 'whole' })
  })

  it('can be an error, which replaces an earlier state', () => {
    const error = () => output('r', { kind: 'tool-output-error', toolCallId: 'c' }, { errorText: 'broken' })
    expect(folded(input(1), result('half', { preliminary: 'true' }), error())).toEqual({
      ...part,
      state: 'output-error',
      input: 1,
      errorText: 'broken',
    })
  })

  it('is the first of two answers', () => {
    const failure = () => answer({ kind: 'tool-result-error' }, { message: 'closed' })
    const success = () => answer({ kind: 'tool-result' }, { output: 'Rome' })
    const failed = { ...part, state: 'output-error', input: 1, errorText: 'closed' }
    expect(folded(input(1), failure(), success())).toEqual(failed)
    const done = { ...part, state: 'output-available', input: 1, output: 'Rome' }
    expect(folded(input(1), success(), failure())).toEqual(done)
  })

  it('is the output that the agent publishes, before or after an answer', () => {
    const success = () => answer({ kind: 'tool-result' }, { output: 'Rome' })
    const done = { ...part, state: 'output-available', input: 1, output: 'Oslo' }
    expect(folded(input(1), success(), result('Oslo'))).toEqual(done)
    expect(folded(input(1), result('Oslo'), success())).toEqual(done)
  })

  it('is the answer if the agent has published only a preliminary output', () => {
    const success = () => answer({ kind: 'tool-result' }, { output: 'Rome' })
    const done = { ...part, state: 'output-available', input: 1, output: 'Rome' }
    expect(folded(input(1), result('half', { preliminary: 'true' }), success())).toEqual(done)
  })

  it.each([null, undefined, 'text', 7, ['list']])('is kept if the data is %j', (data) => {
    const rows = [
      input(1),
      output('r', { kind: 'tool-output-available', toolCallId: 'c' }, data),
      output('r', { kind: 'tool-output-error', toolCallId: 'c' }, data),
    ]
    expect(folded(...rows)).toEqual({ ...part, state: 'output-error', input: 1, errorText: '' })
    const failed = answer({ kind: 'tool-result-error' }, data)
    expect(folded(input(1), failed)).toEqual({ ...part, state: 'output-error', input: 1, errorText: '' })
  })
})

describe('an approval', () => {
  const asked = () => [input(1), approvalRequest()]

  it('is requested, given, and kept when there is an output', () => {
    expect(folded(...asked())).toMatchObject({ state: 'approval-requested', approval: { id: 'a' } })
    const given = { id: 'a', approved: true, reason: 'fine' }
    expect(folded(...asked(), approval(true, 'fine'))).toMatchObject({ state: 'approval-responded', approval: given })
    expect(folded(...asked(), approval(true, 'fine'), result('done'))).toEqual({
      ...part,
      state: 'output-available',
      input: 1,
      output: 'done',
      approval: given,
    })
  })

  it('keeps its id and reason if it is denied, also when the agent confirms the denial', () => {
    const denied = {
      ...part,
      state: 'output-denied',
      input: 1,
      approval: { id: 'a', approved: false, reason: 'too dear' },
    }
    expect(folded(...asked(), approval(false, 'too dear'))).toEqual(denied)
    const confirmed = () => output('r', { kind: 'tool-output-denied', toolCallId: 'c' })
    expect(folded(...asked(), approval(false, 'too dear'), confirmed())).toEqual(denied)
  })

  it('counts if it arrives before its request', () => {
    const given = { id: 'a', approved: true }
    expect(folded(input(1), approval(true), approvalRequest())).toMatchObject({ state: 'approval-responded', approval: given }) // prettier-ignore
    expect(folded(input(1), approval(false), approvalRequest())).toMatchObject({ state: 'output-denied' })
  })

  it('can be followed by the output of a tool that runs on the client; a denial cannot', () => {
    const success = () => answer({ kind: 'tool-result' }, { output: 'paid' })
    expect(folded(...asked(), approval(true), success())).toMatchObject({ state: 'output-available', output: 'paid' })
    expect(folded(...asked(), approval(false), success())).toMatchObject({ state: 'output-denied' })
  })
})

describe('an answer', () => {
  it('that arrives before its call waits for it, and so do the answers after it', () => {
    const waiting = [approvalRequest(), approval(true), result('sunny')]
    expect(folded(...waiting, input(1))).toEqual({
      ...part,
      state: 'output-available',
      input: 1,
      output: 'sunny',
      approval: { id: 'a', approved: true },
    })
  })

  it('to a call that never arrives shows nothing', () => {
    const tree = newTree()
    hear(tree, [result('sunny')])
    expect(tree.runs.get('r')!.size).toBe(0)
  })

  it('changes its call after the node was built again', () => {
    const tree = newTree()
    const early = output('r', { kind: 'start', messageId: 'm' })
    hear(tree, [input(1)])
    const shown = partsOf(tree)
    hear(tree, [early, result('sunny')])
    expect(shown.at(-1)).toMatchObject({ type: 'tool-weather', state: 'output-available', output: 'sunny' })
  })

  it('changes its call in any message of the run', () => {
    const tree = newTree()
    const elsewhere = { 'codec-message-id': 'n' }
    const success = { kind: 'tool-output-available', toolCallId: 'c' }
    hear(tree, [input(1), output('r', success, { output: 2 }, elsewhere)])
    expect(partsOf(tree)[1]).toMatchObject({ state: 'output-available', output: 2 })
    expect(tree.runs.get('r')!.size).toBe(1)
  })
})

describe('the encoder', () => {
  const operationsOf = (...chunks: UIMessageChunk[]) => {
    const encoder = createUIMessageCodec().encoder('m')
    return chunks.map((chunk) => encoder.encode(chunk)).at(-1)
  }
  const start = { type: 'tool-input-start', ...call } as const
  const delta = (inputTextDelta: string) => ({ type: 'tool-input-delta', toolCallId: 'c', inputTextDelta }) as const
  const available = { type: 'tool-input-available', ...call, input: { city: 'Rome' } } as const
  const codec = { kind: 'tool-input', ...call }

  it.each([
    ['nothing of it was streamed', [start], '{"city":"Rome"}'],
    ['the beginning was streamed', [start, delta('{"city"')], ':"Rome"}'],
  ])('completes an announced input when it closes if %s', (_, before, data) => {
    expect(operationsOf(...before, available)).toEqual([{ op: 'close', streamId: 'c', codec, data }])
  })

  it.each([
    ['all of it was streamed', [start, delta('{"city":'), delta('"Rome"}')]],
    ['it was streamed with other spacing', [start, delta('{ "city": "Rome" }')]],
  ])('adds nothing if %s', (_, before) => {
    expect(operationsOf(...before, available)).toEqual([{ op: 'close', streamId: 'c', codec }])
  })

  it('publishes an input that was not announced, and drops a delta of an unknown one', () => {
    expect(operationsOf(available)).toEqual([{ op: 'publish', codec, data: { city: 'Rome' } }])
    expect(operationsOf(delta('{}'))).toEqual([])
  })
})
