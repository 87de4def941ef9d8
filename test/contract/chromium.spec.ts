import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { Page } from 'playwright'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { build, type Rolldown } from 'vite'
import { here } from '../../scripts/entries'
import { sharedChromium } from '../support/browser'
import { behaviours } from './behaviours'
import type { ContractPage } from './page'
import { cases, timeout, type Subject } from './targets'

let site: Awaited<ReturnType<typeof serve>>

beforeAll(async () => {
  const script = await bundle()
  site = await serve(
    `<!doctype html><title>contract</title><script>${script.replaceAll('</script', '<\\/script')}</script>`,
  )
})
afterAll(() => site?.close())

describe.each(cases)('$service, in Chromium with $format', { timeout }, ({ open, useBinaryProtocol }) => {
  let subject: Awaited<ReturnType<Subject['open']>>
  let page: Page
  beforeAll(async () => {
    subject = await open()
    page = await (await sharedChromium()).newPage()
    await page.goto(site.url)
  })
  afterAll(async () => {
    await page?.close()
    await subject?.close()
  })

  test.each(behaviours)('$name', async ({ name }) => {
    const { target } = subject
    const done = page.evaluate(
      async (call) => {
        const { performInPage } = globalThis as unknown as ContractPage
        await performInPage(call.name, call.target, call.useBinaryProtocol)
      },
      { name, target, useBinaryProtocol },
    )
    await expect(done).resolves.toBeUndefined()
  })
})

/** The behaviours and the SDK's build for browsers, as one script. */
async function bundle(): Promise<string> {
  const result = await build({
    configFile: false,
    logLevel: 'silent',
    build: {
      write: false,
      minify: false,
      lib: { entry: here('test/contract/page.ts'), formats: ['iife'], name: 'contract' },
    },
  })
  const [{ output }] = result as [Rolldown.RolldownOutput]
  return output[0].code
}

async function serve(html: string) {
  const server = createServer((_, response) => response.setHeader('Content-Type', 'text/html').end(html))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, close: () => server.close() }
}
