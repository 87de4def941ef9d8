import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import vue from '@vitejs/plugin-vue'
import { createServer as createViteServer } from 'vite'
import { expect, it, onTestFinished } from 'vitest'
import { here } from '../../scripts/entries'
import { newPage } from '../support/browser'
import { startConversation } from '../support/conversation'
import { eventually } from '../support/eventually'

/** Serves the page, rendered on the server by Vite. */
async function serve(render: (load: (file: string) => Promise<unknown>) => Promise<string>): Promise<string> {
  const server = createServer()
  const vite = await createViteServer({
    configFile: false,
    root: here('.'),
    appType: 'custom',
    // NOTE: not the folder of `npm run dev`, which another test may run at the same time
    cacheDir: 'node_modules/.vite-hydration',
    logLevel: 'error',
    plugins: [vue()],
    server: { middlewareMode: true, hmr: { server }, watch: null },
    optimizeDeps: { include: ['ably', 'pinia', 'vue'], noDiscovery: true },
  })
  onTestFinished(() => vite.close())
  server.on('request', (request, response) => {
    vite.middlewares(request, response, () => {
      render((file) => vite.ssrLoadModule(file)).then(
        (html) => response.setHeader('content-type', 'text/html').end(html),
        (error: unknown) => response.writeHead(500).end(String(error)),
      )
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

it("server HTML hydrates without a warning: at once, awaited, lazily and as an island, each from the server's values", async () => {
  const { endpoint, prompt, agent } = await startConversation('ai:page')
  await prompt('p1', 'Where to?')
  const first = await agent.startRun('r1', 'p1')
  await first.say('m1', 'To Lisbon.')
  await first.end()
  await prompt('p2', 'And then?', 'm1')
  const second = await agent.startRun('r2', 'p2')
  const text = await second.text()
  await text.append('Then')
  const options = endpoint.clientOptions()
  const url = await serve(async (load) => {
    const { render } = (await load('/test/e2e/ssr-page/server.ts')) as {
      render: (given: typeof options) => Promise<string>
    }
    return render(options)
  })

  const problems: string[] = []
  const page = await newPage()
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) problems.push(message.text())
  })
  page.on('pageerror', (error) => problems.push(error.stack ?? error.message))
  await page.goto(url)
  const linesOf = async (id: string) =>
    (await page.locator(`#${id} p`).allTextContents()).map((line) => line.replaceAll(/\s+/g, ' ').trim())
  const standing = ['sent: Where to?', 'complete: To Lisbon.', 'sent: And then?']
  const facts = (answer: string, runs: string, connection: string) => [
    ...standing,
    answer,
    `${runs} of 2, 1 versions, 0 pending`,
    `${connection}, no error`,
  ]
  const asServed = facts('streaming: Then', 'complete,active', 'idle, initialized, true, false')
  await page.locator('[data-mounted="true"]').waitFor()
  await text.append(' to Porto.')
  const now = facts('streaming: Then to Porto.', 'complete,active', 'ready, connected, true, false')
  for (const id of ['eager', 'awaiting', 'island']) await eventually(async () => expect(await linesOf(id)).toEqual(now))
  expect(await linesOf('visible')).toEqual(asServed)
  expect(await linesOf('touched')).toEqual(asServed)

  await page.locator('#visible').scrollIntoViewIfNeeded()
  await eventually(async () => expect(await linesOf('visible')).toEqual(now))
  await page.locator('#touched').click()
  await eventually(async () => expect(await linesOf('touched')).toEqual(now))
  await text.append(' By train.')
  const later = facts('streaming: Then to Porto. By train.', 'complete,active', 'ready, connected, true, false')
  for (const id of ['eager', 'awaiting', 'island', 'visible', 'touched']) {
    await eventually(async () => expect(await linesOf(id)).toEqual(later))
  }
  expect(problems).toEqual([])
})
