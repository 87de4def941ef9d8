import { expect, it } from 'vitest'
import { eventually } from '../../support/eventually'
import { answerTo, useSite } from './visits'

const app = useSite()

/** A chat with an answer that is complete, one that was stopped, and one in flight. */
async function aChat(id: string) {
  const { view } = await app.chat('ada', id)
  const first = await view.send('Where to?')
  await first.finished
  await app.open(`stopped${id}`, 3)
  const second = await view.send(`[stopped${id}] By train?`)
  await eventually(() => expect(textsOf(view)[3]).toContain('You'))
  await second.cancel()
  await second.finished
  await app.open(`held${id}`, 3)
  await view.send(`[held${id}] And then?`)
  await eventually(() => expect(textsOf(view)[5]).toBe(`You said: [held${id[0]}`))
  const texts = textsOf(view)
  const states = ['sent', 'complete', 'sent', 'cancelled', 'sent', 'streaming']
  return { texts: states.map((state, index) => `${state}: ${texts[index]}`), question: `[held${id}] And then?` }
}

const textsOf = (view: Awaited<ReturnType<typeof app.chat>>['view']): string[] =>
  view.getMessages().map(({ message }) => message.parts.map((part) => (part.type === 'text' ? part.text : '')).join(''))

it('the first HTML has the conversation with the states of its runs, without JavaScript', async () => {
  const { texts } = await aChat('plain')
  const visit = await app.visit({ user: 'ada', path: '/chat/plain', javaScriptEnabled: false })
  expect(await visit.messages()).toEqual(texts)
  expect(await visit.page.locator('article footer').allInnerTexts()).toContainEqual(expect.stringContaining('Stopped'))
})

it('an answer that is in flight during the request ends complete, and the page reads no history that it has', async () => {
  const { texts, question } = await aChat('alive')
  const visit = await app.visit({ user: 'ada', path: '/chat/alive' })
  await eventually(() => expect(visit.leases).toEqual(['+ai:ada:alive']))
  expect(await visit.messages()).toEqual(texts)
  await app.open('heldalive', 1_000_000)
  const whole = [...texts.slice(0, 5), `complete: ${answerTo(question)}`]
  await eventually(async () => expect(await visit.messages()).toEqual(whole))
  expect(visit.history).toHaveLength(1)
  expect(visit.requests.filter((url) => url.startsWith('/api/archive'))).toEqual([])
})
