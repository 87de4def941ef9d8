import { describe, expect, it, vi } from 'vitest'
import { UIMessageCodec } from '../../src/codec'
import { output, prompt } from '../core/wire'
import { aSession, ended, started } from '../support/told-session'

const noMessage = 'unable to send the message; it is neither text nor a message with "parts"'
const noHeader = 'unable to send; an id is not a string, or ids and metadata are longer than 16 kB'
const noAnswer = 'unable to answer; it takes what createToolOutput() or createToolApproval() returns'

/** A value from an app without types. */
const untyped = (value: unknown): never => value as never

const oddMessages = [
  undefined,
  null,
  Number.NaN,
  5,
  true,
  {},
  { text: 'Hi' },
  new Date(0),
  { id: 'm', role: 'user' },
  { id: 'm', role: 'user', parts: null },
  { id: 'm', role: 'user', parts: [null] },
  { id: 'm', role: 'user', parts: [{}] },
  { id: 'm', role: 'user', parts: [{ type: 'text' }] },
  { id: 'm', role: 'user', parts: [{ type: 'text', text: 5 }] },
]

describe.each(oddMessages.map((value) => [untyped(value)]))('a message %j', (odd) => {
  it('is refused by send(), edit() and steer() with what they take', async () => {
    const { view, published } = await aSession([prompt('p'), started('R', 'p')])
    const refused = { code: 40003, message: noMessage }
    await expect(view.send(odd)).rejects.toMatchObject(refused)
    await expect(view.edit('p', odd)).rejects.toMatchObject(refused)
    await expect(view.steer('R', odd).published).rejects.toMatchObject(refused)
    await expect(view.send(UIMessageCodec.createUserMessage(odd))).rejects.toMatchObject(refused)
    expect(published).toEqual([])
  })
})

it.each([
  '',
  ' \n',
  { id: 'm', role: 'user', parts: [] },
  { id: 'm', role: 'user', parts: [{ type: 'text', text: ' ' }] },
])('send() refuses the empty prompt %j at once, and publishes nothing', async (empty) => {
  const { view, published } = await aSession()
  await expect(view.send(empty as string)).rejects.toMatchObject({
    code: 40003,
    message: expect.stringContaining('it is empty') as string,
  })
  expect(view.getMessages()).toEqual([])
  expect(published).toEqual([])
})

it.each([[[undefined]], [[{ type: 'later' }]]])('send() takes no list of other inputs, such as %j', async (inputs) => {
  const { view, published } = await aSession()
  await expect(view.send(untyped(inputs))).rejects.toMatchObject({
    message:
      'unable to send; it takes one new message; answers go through answer(), another reply through regenerate()',
  })
  expect(published).toEqual([])
})

const headersOf = (id: unknown) => ({ id: untyped(id), role: 'user' as const, parts: [{ type: 'text' as const, text: 'x' }] }) // prettier-ignore

it.each([5, { a: 1 }, 'x'.repeat(20_000)])('a message whose id no reader takes is refused (%j)', async (id) => {
  const { view, published } = await aSession()
  const refused = { code: 40003, message: noHeader }
  await expect(view.send(headersOf(id))).rejects.toMatchObject(refused)
  await expect(view.send('x', { id: untyped(id) })).rejects.toMatchObject(refused)
  await expect(view.send('x', { parent: untyped(id) })).rejects.toMatchObject(refused)
  expect(published).toEqual([])
  await view.send('fine')
  expect(published).toHaveLength(1)
})

it('an empty id is none: each prompt gets an id of its own', async () => {
  const { view } = await aSession()
  const runs = [await view.send('one', { id: '' }), await view.send('two', { id: '' })]
  expect(new Set(runs.map(({ inputId }) => inputId)).size).toBe(2)
  expect(runs.map(({ inputId }) => inputId)).not.toContain('')
})

const oddAnswers = [undefined, null, '', 5, {}, [undefined], 'x', { type: 'answer' }, { type: 'regenerate' }, { toolCallId: 'c', output: 1 }] // prettier-ignore

it.each(oddAnswers)('answer() refuses %j with what it takes', async (odd) => {
  const { view, published } = await aSession([
    prompt('p'),
    started('R', 'p'),
    output('R', { kind: 'text', id: 't' }, 'x'),
  ])
  const refused = { code: 40003, message: noAnswer }
  await expect(view.answer('m', untyped(odd))).rejects.toMatchObject(refused)
  await expect(view.answer('m', untyped(odd), { as: 'fork' })).rejects.toMatchObject(refused)
  expect(published).toEqual([])
})

it.each([undefined, null, '', 5])('wake() and retry() refuse the id %j', async (id) => {
  const { view } = await aSession([prompt('p'), started('R', 'p'), ended('R')])
  const refused = { code: 40003, message: `unable to wake the agent; nothing is pending for "${String(id)}"` }
  expect(() => view.wake(untyped(id))).toThrow(expect.objectContaining(refused))
  await expect(view.retry(untyped(id))).rejects.toMatchObject(refused)
})

it('steer() refuses a run of which only a cancel is known', async () => {
  const warning = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
  const { view } = await aSession()
  await view.cancel('nowhere')
  await expect(view.steer('nowhere', 'x').published).rejects.toMatchObject({
    message: 'unable to steer the run; there is no run "nowhere"',
  })
  expect(warning).toHaveBeenCalledOnce()
})
