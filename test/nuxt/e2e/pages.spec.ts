import { expect, it } from 'vitest'
import { eventually } from '../../support/eventually'
import { say } from './board'
import { answerTo, useSite } from './visits'

const app = useSite()
const endpointOptions = () => ({
  key: app.site.key,
  endpoint: '127.0.0.1',
  port: app.site.port,
  tls: false,
  disableConnectivityCheck: true,
})

it('a visit to another page moves the lease, and the answer goes on', async () => {
  const { view } = await app.chat('grace', 'other')
  await (
    await view.send('Something else?')
  ).finished
  const visit = await app.visit({ user: 'grace', path: '/' })
  const { page } = visit
  await page.getByRole('link', { name: 'Something else?' }).waitFor()
  await page.getByRole('button', { name: 'New chat' }).click()
  await page.getByLabel('Message').fill('[move] Where to?')
  await page.getByLabel('Message').press('Enter')
  await app.open('move', 3)
  await eventually(async () => expect((await visit.messages())[1]).toBe('streaming: You said: [move]'))
  const chat = new URL(page.url()).pathname
  const channel = `ai:grace:${chat.split('/').at(-1)}`

  await page.getByRole('link', { name: 'Something else?' }).click()
  await eventually(async () => expect(await visit.messages()).toContain(`complete: ${answerTo('Something else?')}`))
  await eventually(() => expect(visit.leases).toEqual([`+${channel}`, '+ai:grace:other', `-${channel}`]))
  await page.getByRole('link', { name: '[move] Where to?' }).waitFor()
  await page.goBack()
  await eventually(async () => expect((await visit.messages())[1]).toBe('streaming: You said: [move]'))
  await app.open('move', 1_000_000)
  await eventually(async () => expect((await visit.messages())[1]).toBe(`complete: ${answerTo('[move] Where to?')}`))
  expect(visit.connections).toBe(1)
})

it('words typed before the page is hydrated stay, and Enter does not reload the page', async () => {
  const { promise: scripts, resolve: release } = Promise.withResolvers<void>()
  const visit = await app.visit({ user: 'ada', path: '/chat/early', scripts })
  const input = visit.page.getByLabel('Message')
  await visit.page.evaluate(() => document.documentElement.setAttribute('data-document', 'first'))
  await input.fill('[early] Where to?')
  await input.press('Enter')
  expect(await input.inputValue()).toBe('[early] Where to?')
  release()
  await eventually(async () => {
    await input.press('Enter')
    expect(await visit.messages()).toContain('sent: [early] Where to?')
  })
  expect(await visit.page.getAttribute('html', 'data-document')).toBe('first')
  expect(await input.inputValue()).toBe('')
})

it('two answers stream side by side, one is stopped, and the prompt of the other is edited', async () => {
  const visit = await app.visit({ user: 'ada', path: '/chat/pair' })
  const { page } = visit
  const ask = async (prompt: string) => {
    await page.getByLabel('Message').fill(prompt)
    await page.getByLabel('Message').press('Enter')
  }
  await ask('[pair] Lisbon?')
  await ask('[pair] Porto?')
  await app.open('pair', 3)
  await eventually(async () =>
    expect((await visit.messages()).filter((each) => each === 'streaming: You said: [pair]')).toHaveLength(2),
  )
  await page.getByRole('button', { name: 'Stop', exact: true }).first().click()
  await eventually(async () =>
    expect((await visit.messages()).map((each) => each.split(':')[0]!).toSorted()).toEqual([
      'cancelled',
      'sent',
      'sent',
      'streaming',
    ]),
  )
  await app.open('pair', 1_000_000)
  const porto = page.locator('article.user', { hasText: 'Porto' })
  await eventually(async () => expect(await visit.messages()).toContain(`complete: ${answerTo('[pair] Porto?')}`))
  await porto.getByRole('button', { name: 'Edit' }).click()
  await page.getByLabel('Prompt').fill('And Faro?')
  await page.getByLabel('Prompt').press('Enter')
  await eventually(async () => expect(await visit.messages()).toContain(`complete: ${answerTo('And Faro?')}`))
  expect(await page.locator('article.user', { hasText: 'Faro' }).innerText()).toContain('2/2')
})

it.each([
  ['a prerendered page', 'prerendered', 'Written before the build'],
  ['a page from the cache', 'swr', 'Written before the cache'],
])('%s catches up', async (_, board, old) => {
  if (board === 'swr') await say(endpointOptions(), board, old)
  const html = async () => (await fetch(`${app.origin}/board/${board}`)).text()
  expect(await html()).toContain(`<li>${old}</li>`)
  await say(endpointOptions(), board, 'Written since')
  expect(await html()).not.toContain('Written since')
  const visit = await app.visit({ path: `/board/${board}` })
  await eventually(async () => expect(await visit.page.locator('li').allInnerTexts()).toEqual([old, 'Written since']))
})

it('two users cannot see each other', async () => {
  const { view } = await app.chat('ada', 'secret')
  await (
    await view.send('A secret')
  ).finished
  const visit = await app.visit({ user: 'grace', path: '/chat/secret' })
  await eventually(() => expect(visit.leases).toEqual(['+ai:grace:secret']))
  expect(await visit.page.content()).not.toContain('A secret')
  const cookie = await app.signIn('grace')
  const ask = async (path: string) => (await fetch(app.origin + path, { headers: { cookie } })).status
  const capability = (name: string) => encodeURIComponent(JSON.stringify({ [name]: ['*'] }))
  expect(await ask(`/api/ably/token?capability=${capability('ai:grace:secret')}`)).toBe(200)
  for (const name of ['ai:ada:secret', 'ai:ada:*', 'ai:*', '*']) {
    expect(await ask(`/api/ably/token?capability=${capability(name)}`)).toBe(403)
  }
  expect(await ask('/api/ably/token')).toBe(403)
  expect(await ask('/api/archive?sessionName=ai:ada:secret')).toBe(403)
  const wake = await app.post('/api/agent', { sessionName: 'ai:ada:secret', inputEventId: 'x' }, cookie)
  expect(wake.status).toBe(403)
  expect(await (await fetch(`${app.origin}/api/threads`, { headers: { cookie } })).text()).not.toContain('A secret')
})

it('each user who signs in has one connection', async () => {
  const visit = await app.visit({ path: '/' })
  const { page } = visit
  for (const [index, user] of ['ada', 'grace'].entries()) {
    await page.getByRole('button', { name: user }).click()
    await page.getByRole('button', { name: 'New chat' }).click()
    await eventually(() => expect(visit.leases.filter((lease) => lease.startsWith(`+ai:${user}:`))).toHaveLength(1))
    await page.getByLabel('Message').fill('Where to?')
    await page.getByLabel('Message').press('Enter')
    await eventually(async () => expect(await visit.messages()).toContain(`complete: ${answerTo('Where to?')}`))
    expect(visit.connections).toBe(index + 1)
    await page.getByRole('button', { name: 'Sign out' }).click()
  }
})
