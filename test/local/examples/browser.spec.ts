import type { Page } from 'playwright'
import { createServer, type ViteDevServer } from 'vite'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { localAbly } from 'vue-ai-transport/local/vite'
import { sharedChromium } from '../../support/browser'

const ably = localAbly()
const { endpoint } = ably
let server: ViteDevServer
let page: Page

beforeAll(async () => {
  server = await createServer({
    configFile: false,
    root: import.meta.dirname,
    cacheDir: 'node_modules/.vite-examples',
    logLevel: 'error',
    plugins: [ably],
    server: { port: 0 },
  })
  await server.listen()
  await endpoint.ready
})
afterAll(() => server?.close())

// The page is a client called bob: it shows its connection, its channel, and the messages it receives.
beforeEach(async () => {
  page = await (await sharedChromium()).newPage()
  await page.goto(server.resolvedUrls!.local[0]!)
  await page.getByText('attached').waitFor()
})
afterEach(() => page.close())

test('dropConnection: the page shows that it is offline, and reconnects after two seconds', async () => {
  endpoint.dropConnection('bob', { refuseFor: 2_000 })
  await expect.poll(() => page.locator('#connection').textContent()).toContain('disconnected')
  await expect.poll(() => page.locator('#connection').textContent()).toBe('connected')
})

test('freeze: the page shows no new message while the network hangs', async () => {
  const thaw = endpoint.freeze('bob')
  await page.getByRole('button', { name: 'Say hello' }).click()
  expect(await page.locator('li').count()).toBe(0)
  thaw()
  await expect.poll(() => page.locator('li').allTextContents()).toEqual(['hello'])
})

test('refuseResume: the page shows that its connection is new', async () => {
  endpoint.refuseResume()
  endpoint.dropConnection('bob')
  await expect.poll(() => page.locator('#connection').textContent()).toBe('connected 80018')
})

test('breakContinuity: the page shows that it may have missed messages', async () => {
  endpoint.breakContinuity('ai:trip')
  await expect.poll(() => page.locator('#channel').textContent()).toBe('attached 90003')
})

test('delayPublish: the page shows a message once it is delivered', async () => {
  const release = endpoint.delayPublish({ clientId: 'bob' })
  await page.getByRole('button', { name: 'Say hello' }).click()
  expect(await page.locator('li').count()).toBe(0)
  release()
  await expect.poll(() => page.locator('li').allTextContents()).toEqual(['hello'])
})

test('refusePublish: the page shows the reason for a refused message', async () => {
  endpoint.refusePublish({ clientId: 'bob' }, { times: 1, error: { code: 42_911, statusCode: 429 } })
  await page.getByRole('button', { name: 'Say hello' }).click()
  await expect.poll(() => page.locator('#outcome').textContent()).toBe('42911')
})

test('loseAck: the page sends a message twice and shows it once', async () => {
  endpoint.loseAck({ clientId: 'bob' })
  await page.getByRole('button', { name: 'Say hello' }).click()
  await expect.poll(() => page.locator('#outcome').textContent()).toBe('sent')
  await expect.poll(() => page.locator('li').allTextContents()).toEqual(['hello'])
})

test('expireToken: the page renews its token by itself', async () => {
  const renewed = page.waitForResponse(/\/api\/ably\/token/)
  endpoint.expireToken('bob')
  expect((await renewed).status()).toBe(200)
  await expect.poll(() => page.locator('#connection').textContent()).toBe('connected')
})
