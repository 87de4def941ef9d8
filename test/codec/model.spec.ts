import { convertToModelMessages, type UIMessage } from 'ai'
import { describe, expect, it } from 'vitest'
import { UIMessageCodec } from '../../src/codec'

type Part = UIMessage['parts'][number]

const reply = (...parts: object[]): UIMessage => ({ id: 'm', role: 'assistant', parts: parts as Part[] })
const step = { type: 'step-start' }
const text = (value: string, more: object = {}) => ({ type: 'text', text: value, ...more })
const reasoning = (more: object = {}) => ({ type: 'reasoning', text: 'Hm', ...more })
const item = (itemId: string, more: object = {}) => ({ providerMetadata: { openai: { itemId, ...more } } })
const call = (state: string, more: object = {}) => ({
  type: 'tool-look',
  toolCallId: 'c',
  state,
  input: { a: 1 },
  ...more,
})
const { forModel, isContinuable, join } = UIMessageCodec as Required<typeof UIMessageCodec>
const partsOf = (...given: Parameters<typeof forModel>) => forModel(...given)?.parts

describe('a reply for a model', () => {
  it('is empty without content, and has only the note if there is one', () => {
    const empty = reply(step, reasoning(), text(' \n'))
    expect(forModel(empty)).toBeUndefined()
    expect(partsOf(empty, { note: '[Stopped.]' })).toEqual([step, text('[Stopped.]')])
  })

  it('contains no blank text, and no reasoning that nothing follows', () => {
    const given = reply(step, reasoning(), text(''), text('One'), step, text('Two'), reasoning())
    expect(partsOf(given)).toEqual([step, reasoning(), text('One'), text('\n\nTwo')])
  })

  it.each([
    ['input-streaming', {}],
    ['input-available', {}],
    ['approval-requested', { approval: { id: 'a' } }],
    ['approval-responded', { approval: { id: 'a', approved: true } }],
    ['output-available', { output: { progress: 50 }, preliminary: true }],
  ])('closes a call in the state %s', (state, more) => {
    expect(partsOf(reply(step, call(state, more)))).toEqual([step, call('output-error', { errorText: 'cancelled' })])
  })

  it.each(['{"a', [1], null])('has an object in place of the input %j that the tool could not read', (input) => {
    const failed = { errorText: 'no JSON' }
    expect(partsOf(reply(step, call('output-error', { input, ...failed })))).toEqual([
      step,
      call('output-error', { input: {}, ...failed }),
    ])
    const done = call('output-available', { input: 'free text', output: 1 })
    expect(partsOf(reply(step, done))).toEqual([step, done])
  })

  it('has the calls of a step behind its texts, unless these are items of their provider', () => {
    const [one, two] = [call('output-available', { output: 1 }), call('input-available', { toolCallId: 'd' })]
    const closed = { ...two, state: 'output-error', errorText: 'cancelled' }
    expect(partsOf(reply(step, one, reasoning(), two, text('Two')))).toEqual([
      step,
      reasoning(),
      text('Two'),
      one,
      closed,
    ])
    const stored = reply(step, reasoning(item('rs')), one, text('Two', item('msg')))
    expect(forModel(stored)).toEqual(stored)
  })

  it('keeps an approved call open for a model that continues it', () => {
    const approved = call('approval-responded', { approval: { id: 'a', approved: true } })
    expect(partsOf(reply(approved), { isOpen: true })).toEqual([approved])
  })

  it('contains the denial of a call if the reply has ended', async () => {
    const approval = { id: 'a', approved: false, reason: 'too dear' }
    const denied = forModel(reply(step, call('approval-responded', { approval })))!
    expect(denied.parts[1]).toEqual(call('output-denied', { approval }))
    expect(JSON.stringify(await convertToModelMessages([denied]))).toContain('too dear')
  })

  it('removes references to items of an unfinished step, and keeps the steps before', () => {
    const first = [step, reasoning(item('rs_1')), text('One', item('msg_1'))]
    const cut = [
      step,
      reasoning(item('rs_2')),
      text('Two', item('msg_2', { phase: 'x' })),
      call('input-available', { callProviderMetadata: { openai: { itemId: 'fc' } } }),
    ]
    const closed = call('output-error', { errorText: 'cancelled', callProviderMetadata: { openai: {} } })
    expect(partsOf(reply(...first, ...cut), { isUnfinished: true })).toEqual([
      ...first,
      text('\n\nTwo', { providerMetadata: { openai: { phase: 'x' } } }),
      closed,
    ])
  })

  it('begins a new assistant message only after a call', async () => {
    const done = call('output-available', { output: 1 })
    const given = reply(step, text('One'), step, done, step, text('Two'), step, text('Three'))
    const model = await convertToModelMessages([forModel(given)!])
    expect(model.map(({ role }) => role)).toEqual(['assistant', 'tool', 'assistant'])
  })

  it.each([
    ['One', 'Two', '\n\nTwo'],
    ['One\n', 'Two', 'Two'],
    ['One', '\nTwo', '\nTwo'],
  ])('has a blank line between the texts of two steps: %j and %j', (one, two, apart) => {
    const steps = reply(step, text(one), step, reasoning(), text(two), text(', still two'))
    expect(partsOf(steps)).toEqual([step, text(one), reasoning(), text(apart), text(', still two')])
    expect(partsOf(join(reply(step, text(one)), reply(text(two))))).toEqual([step, text(one), text(apart)])
    const stored = text(two, item('msg_2'))
    expect(partsOf(reply(text(one), step, stored))).toEqual([text(one), stored])
    const done = call('output-available', { output: 1 })
    expect(partsOf(reply(text(one), done, step, text(two)))).toEqual([text(one), done, step, text(two)])
  })

  it('leaves out unfinished calls of the provider, and citations of calls that it leaves out', () => {
    const search = (state: string, more = {}) => call(state, { providerExecuted: true, toolCallId: 'ws', ...more })
    const cited = text('Two', { providerMetadata: { anthropic: { citations: [1] } } })
    expect(partsOf(reply(step, reasoning(item('rs_1')), text('One'), search('input-available')))).toEqual([
      step,
      text('One'),
    ])
    const found = search('output-available', { output: 1 })
    expect(partsOf(reply(step, found, cited), { isUnfinished: true })).toEqual([step, text('Two')])
    expect(partsOf(reply(step, found, cited))).toEqual([step, found, cited])
  })

  it('keeps reasoning with its own signature in an unfinished step', () => {
    const signed = reasoning({ providerMetadata: { anthropic: { signature: 's' } } })
    expect(partsOf(reply(step, signed, text('One')), { isUnfinished: true })).toEqual([step, signed, text('One')])
  })

  it('has its note behind text, and in a step of its own behind calls', () => {
    expect(partsOf(reply(step, text('One')), { note: 'n' })).toEqual([step, text('One'), text('n')])
    const done = call('output-available', { output: 1 })
    expect(partsOf(reply(step, done), { note: 'n' })).toEqual([step, done, step, text('n')])
  })

  it('can be continued if it ends with tool results for the model', () => {
    const done = call('output-available', { output: 1 })
    expect(isContinuable(reply(step, text('One'), done))).toBe(true)
    expect(isContinuable(reply(step, done, step, text('One')))).toBe(false)
    expect(isContinuable(forModel(reply(step, done, step, text('\n')))!)).toBe(true)
    expect(isContinuable(reply(step, { ...done, providerExecuted: true }))).toBe(false)
  })
})

describe('a message of the user for a model', () => {
  const message = (...parts: object[]): UIMessage => ({ id: 'u', role: 'user', parts: parts as Part[] })

  it('contains no blank text, and a placeholder if no content is left', () => {
    const file = { type: 'file', mediaType: 'image/png', url: 'https://example.com/a.png' }
    expect(partsOf(message(text(''), file))).toEqual([file])
    expect(partsOf(message(text(' ')))).toEqual([text('[This message is empty.]')])
  })

  it('keeps its data for an app that converts it, and says that there is no text', () => {
    const data = { type: 'data-choice', data: 1 }
    const read = [data, text('[This message has no text.]')]
    expect(partsOf(message(data))).toEqual(read)
    expect(partsOf(reply(data))).toEqual(read)
    expect(partsOf(message(data, text('One')))).toEqual([data, text('One')])
  })

  it("is merged with the user's next message", () => {
    expect(join(message(text('One')), message(text('Two')))).toEqual(message(text('One'), text('Two')))
  })
})
