import * as fc from 'fast-check'
import type { Message } from 'ably'
import { expect, it } from 'vitest'
import type { ChannelMessage } from '../../src/core/wire'
import { message, output, prompt, runMessage } from '../core/wire'
import { historyOf } from '../support/channel-table'
import { Listener } from '../support/listener'
import { aSession, ended, headerOf, started } from '../support/told-session'

const text = (run: string, id: string, body: string, parent = 'p') =>
  output(run, { kind: 'text' }, body, { 'codec-message-id': id, parent, stream: 'false' })

/** A whole reply to an input, as agents write it. */
function replyTo(input: Message | ChannelMessage, run: string): ChannelMessage[] {
  const [inputId, target] = ['codec-message-id', 'msg-regenerate'].map((name) => headerOf(input as Message, name))
  const parent = String(target === undefined ? inputId : headerOf(input as Message, 'parent'))
  const start = { 'input-codec-message-id': inputId, 'invocation-id': `${run}-1`, parent, 'msg-regenerate': target }
  return [runMessage('ai-run-start', run, start), text(run, `re-${run}`, run, parent), ended(run)]
}

it('a prompt that is sent before a requested reply begins follows the message before it, and shows beside it', async () => {
  const { view, hear, session, published } = await aSession()
  hear(prompt('p'), started('R', 'p'), text('R', 'm', 'first'), ended('R'))
  await view.regenerate('m')
  const next = await view.send('next')
  expect(headerOf(published[1], 'parent')).toBe('p')
  hear(...replyTo(published[0]!, 'S'))
  for (const each of [view, session.createView()]) {
    expect(each.getMessages().map(({ id }) => id)).toEqual(['p', next.inputId, 're-S'])
    expect(each.branch('m')).toMatchObject({ index: 1, hasSiblings: true })
  }
})

it('without such a prompt, the requested reply shows', async () => {
  const { view, hear, published } = await aSession()
  hear(prompt('p'), started('R', 'p'), text('R', 'm', 'first'), ended('R'))
  await view.regenerate('m')
  hear(...replyTo(published[0]!, 'S'))
  expect(view.getMessages().map(({ id }) => id)).toEqual(['p', 're-S'])
})

it('a prompt follows a reply that the user has selected, if the reply that another client requests will not show', async () => {
  const { view, hear, published } = await aSession()
  hear(prompt('p'), started('R', 'p'), text('R', 'm', 'first'), ended('R'))
  const request = (id: string) =>
    message('ai-input', { 'codec-message-id': id, parent: 'p', 'msg-regenerate': 'm' }, { kind: 'regenerate' })
  hear(...replyTo(request('one'), 'S'))
  view.branch('re-S').select(0)
  const other = request('two')
  hear(other)
  const next = await view.send('next')
  expect(headerOf(published[0], 'parent')).toBe('m')
  hear(...replyTo(other, 'T'))
  expect(view.getMessages().map(({ id }) => id)).toEqual(['p', 'm', next.inputId])
})

/** A client's prompt or regeneration, or the answer to one of them; the number selects the target. */
const step = fc.tuple(fc.constantFrom('send', 'regenerate', 'answer'), fc.nat(20))

it('a prompt is still in sight once every requested reply has begun, also on a page that is opened then', async () => {
  const given = fc.tuple(fc.array(step, { minLength: 3, maxLength: 14, size: 'max' }), fc.boolean(), fc.nat(20))
  await fc.assert(
    fc.asyncProperty(given, async ([steps, isReloaded, last]) => {
      const rows: ChannelMessage[] = []
      const open = async () => {
        const page = await aSession([...rows], undefined, undefined, 100)
        page.channel.deliver = recording(page.channel.deliver.bind(page.channel), rows)
        return page
      }
      let page = await open()
      const answered = new Set<ChannelMessage>()
      const unanswered = () => rows.filter((row) => row.name === 'ai-input' && !answered.has(row))
      const answer = (at: number) => {
        const inputs = unanswered()
        const input = inputs[at % inputs.length]
        if (input) page.hear(...replyTo(input, `run-${answered.add(input).size}`))
      }
      for (const [kind, at] of steps) {
        const replies = page.view.getMessages().filter(({ message: { role } }) => role === 'assistant')
        if (kind === 'answer') answer(at)
        else if (kind === 'send') await page.view.send('a prompt')
        else if (replies.length > 0) await page.view.regenerate(replies[at % replies.length]!.id)
      }
      if (isReloaded) {
        await page.session.close()
        page = await open()
      }
      const { inputId } = await page.view.send('the last one')
      while (unanswered().length > 0) answer(last)
      const opened = await Listener.on(historyOf(rows), 3)
      await opened.readBack()
      for (const { view } of [page, opened]) expect(view.getMessages().map(({ id }) => id)).toContain(inputId)
      // Nothing was selected by hand, so both show the same
      expect(opened.shown()).toEqual(page.view.getMessages().map(({ id }) => id))
      await Promise.all([page.session.close(), opened.session.close()])
    }),
    { numRuns: 100 },
  )
})

const recording =
  <T extends ChannelMessage>(deliver: (message: T) => void, rows: ChannelMessage[]) =>
  (message: T): void => {
    rows.push(message)
    deliver(message)
  }
