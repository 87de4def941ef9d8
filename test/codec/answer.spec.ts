import type { UIMessage } from 'ai'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { createUIMessageCodec, UIMessageCodec, type Answer, type Input, type WholeMessage } from '../../src/codec'
import { hear, newTree } from '../support/transcripts'
import { message, output } from '../core/wire'

type MyMessage = UIMessage<
  { sentAt: number },
  { place: { city: string } },
  {
    weather: { input: { city: string }; output: { sky: 'blue' | 'grey' } }
    pay: { input: { amount: number }; output: string }
  }
>

const codec = createUIMessageCodec<MyMessage>()

describe('an answer', () => {
  it.each([
    ['the output of a call', codec.createToolOutput({ toolCallId: 'c', output: [1] }), 'tool-result', { output: [1] }],
    [
      'the error of a call',
      codec.createToolOutputError({ toolCallId: 'c', errorText: 'no' }),
      'tool-result-error',
      { message: 'no' },
    ],
    [
      'an error in the form of the AI SDK',
      codec.createToolOutput({ toolCallId: 'c', state: 'output-error', errorText: 'no' } as never),
      'tool-result-error',
      { message: 'no' },
    ],
  ])('encodes %s', (_, answer, kind, data) => {
    expect(answer).toEqual({ type: 'answer', codec: { kind, toolCallId: 'c' }, data })
    expect(codec.encode(answer)).toEqual({ parts: [{ codec: answer.codec, data }] })
    expect(codec.inputs(answer)).toEqual([answer])
  })

  it.each([
    [{ approved: true }, { approved: 'true' }],
    [
      { approved: false, reason: 'too dear' },
      { approved: 'false', reason: 'too dear' },
    ],
  ])('encodes an approval or denial: %j', (decision, headers) => {
    const answer = codec.createToolApproval({ toolCallId: 'c', ...decision })
    const kind = 'tool-approval-response'
    expect(answer).toEqual({ type: 'answer', codec: { kind, toolCallId: 'c', ...headers }, data: '' })
  })

  it('copies the messages it refers to, if its kind has room for them', () => {
    const reply: UIMessage = {
      id: 'same',
      role: 'assistant',
      parts: [{ type: 'tool-weather', toolCallId: 'c', state: 'input-available', input: { city: 'Rome' } }],
    }
    const answer = UIMessageCodec.createToolOutput({ toolCallId: 'c', output: 'sunny' })
    const seeded = UIMessageCodec.seeded!(answer, [{ messageId: 'm', message: reply }])
    expect(answer.data).toEqual({ output: 'sunny' })
    expect(seeded).toEqual({
      ...answer,
      data: { output: 'sunny', forkSeed: { messages: [{ codecMessageId: 'm', message: reply }] } },
    })
    const approval = UIMessageCodec.createToolApproval({ toolCallId: 'c', approved: true })
    expect(UIMessageCodec.seeded!(approval, [{ messageId: 'm', message: reply }])).toBe(approval)
    const tree = newTree()
    const [part] = UIMessageCodec.encode(seeded).parts
    hear(tree, [
      message('ai-input', { 'run-id': 'r', 'codec-message-id': 'm', role: 'assistant' }, part!.codec, part!.data),
    ])
    expect(tree.runs.get('r')!.message('m')!.parts).toEqual([
      { ...reply.parts[0], state: 'output-available', output: 'sunny' },
    ])
  })
})

describe('answers of several users to one call', () => {
  const approval = (approved: boolean, reason?: string) => {
    const [part] = codec.encode(
      codec.createToolApproval({ toolCallId: 'c', approved, ...(reason !== undefined && { reason }) }),
    ).parts
    return message('ai-input', { 'run-id': 'r', 'codec-message-id': 'm', role: 'user' }, part!.codec, part!.data)
  }
  const call = () => output('r', { kind: 'tool-input', toolCallId: 'c', toolName: 'pay' }, { amount: 1 })
  const request = () => output('r', { kind: 'tool-approval-request', toolCallId: 'c', approvalId: 'a', signature: 's' })
  const result = () => output('r', { kind: 'tool-output-available', toolCallId: 'c' }, { output: 'paid' })
  const shown = (...rows: Parameters<typeof hear>[1]) => {
    const tree = newTree()
    hear(tree, rows)
    return tree.runs.get('r')!.message('m')!.parts.at(-1)
  }

  it('end with the decision of the first one, and its reason', () => {
    const asked = { id: 'a', signature: 's' }
    expect(shown(call(), request(), approval(false, 'too dear'), approval(true))).toMatchObject({
      state: 'output-denied',
      approval: { ...asked, approved: false, reason: 'too dear' },
    })
    expect(shown(call(), request(), approval(true), approval(false, 'too dear'))).toMatchObject({
      state: 'approval-responded',
      approval: { ...asked, approved: true },
    })
    expect(shown(call(), request(), approval(true), approval(false, 'too dear'))).not.toHaveProperty('approval.reason')
  })

  it('do not take back later output of the call', () => {
    const done = shown(call(), request(), approval(true), result())
    expect(done).toMatchObject({ state: 'output-available', output: 'paid', approval: { approved: true } })
    expect(shown(call(), request(), approval(true), result(), approval(false, 'too late'))).toEqual(done)
  })
})

describe('a later answer', () => {
  const toolCallId = 'c'
  const yes = codec.createToolApproval({ toolCallId, approved: true }).codec
  const no = codec.createToolApproval({ toolCallId, approved: false }).codec
  const done = codec.createToolOutput({ toolCallId, output: 1 }).codec
  const failed = codec.createToolOutputError({ toolCallId, errorText: 'no' }).codec

  it.each([
    ['an approval', yes, no, 'approved'],
    ['a denial', no, yes, 'denied'],
    ['a denial followed by an output', no, done, 'denied'],
    ['an output', done, failed, 'output'],
    ['an error', failed, yes, 'error'],
  ])('is ignored after %s', (_, earlier, later, outcome) => {
    expect(codec.settles!(earlier, later)).toBe(outcome)
  })

  it('counts after an approval if it is the output of the call, and for another call', () => {
    expect(codec.settles!(yes, done)).toBeUndefined()
    expect(codec.settles!(no, { ...yes, toolCallId: 'd' })).toBeUndefined()
  })
})

describe('types of an app’s messages', () => {
  it('are inferred from the codec that creates the inputs', () => {
    expectTypeOf(codec.createToolOutput({ tool: 'weather', toolCallId: 'c', output: { sky: 'blue' } })).toEqualTypeOf<
      Answer<MyMessage>
    >()
    expectTypeOf(codec.createToolApproval({ toolCallId: 'c', approved: true })).toExtend<Input<MyMessage>>()
    const prompt = codec.createUserMessage({
      id: '1',
      role: 'user',
      metadata: { sentAt: 1 },
      parts: [{ type: 'data-place', data: { city: 'Rome' } }],
    })
    expectTypeOf(prompt).toEqualTypeOf<WholeMessage<MyMessage>>()
    expectTypeOf(codec.create('m', 'assistant')).toEqualTypeOf<MyMessage>()
  })

  it('are checked for each input', () => {
    // @ts-expect-error an output of another tool
    codec.createToolOutput({ tool: 'weather', toolCallId: 'c', output: 'paid' })
    // @ts-expect-error no tool of the app
    codec.createToolOutput({ tool: 'fly', toolCallId: 'c', output: 'paid' })
    // @ts-expect-error no tool of the app
    codec.createToolOutputError({ tool: 'fly', toolCallId: 'c', errorText: 'no' })
    // @ts-expect-error other metadata
    codec.createUserMessage({ id: '1', role: 'user', metadata: { sentAt: 'now' }, parts: [] })
    // @ts-expect-error other data
    codec.createUserMessage({ id: '1', role: 'user', parts: [{ type: 'data-place', data: { town: 'Rome' } }] })
    expectTypeOf(codec.createToolOutput).toBeCallableWith({ toolCallId: 'c', output: 'anything' })
    expectTypeOf(UIMessageCodec.createToolOutput).toBeCallableWith({ tool: 'any', toolCallId: 'c', output: 1 })
  })
})
