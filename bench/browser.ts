import { chromium } from 'playwright'
import { build } from 'vite'
import { chromiumArgs, chromiumPath } from '../scripts/chromium.ts'
import { here } from '../scripts/entries.ts'
import type { PageCost } from './browser/page.ts'

const address = 'http://localhost/'

/**
 * The cost of a token in Chromium, by client and visible messages: a page that renders nothing but the list.
 */
export async function pageCosts(lengths: readonly number[]): Promise<ReadonlyMap<string, readonly PageCost[]>> {
  const script = await bundlePage()
  const browser = await chromium.launch({ executablePath: chromiumPath(), args: chromiumArgs })
  try {
    const page = await browser.newPage()
    await page.route(address, (route) => route.fulfill({ contentType: 'text/html', body: '<!doctype html><body>' }))
    await page.goto(address)
    await page.addScriptTag({ content: script, type: 'module' })
    await page.waitForFunction(() => 'measureInPage' in globalThis)
    const costs = new Map<string, PageCost[]>()
    for (const name of await page.evaluate(() => globalThis.clientNames)) {
      costs.set(name, [])
      // NOTE: the first chat of each client runs code that is not compiled yet
      for (const length of [10, ...lengths]) {
        const cost = await page.evaluate(([name, length]) => globalThis.measureInPage(name, length), [
          name,
          length,
        ] as const)
        costs.get(name)!.push(cost)
      }
      costs.get(name)!.shift()
    }
    return costs
  } finally {
    await browser.close()
  }
}

async function bundlePage(): Promise<string> {
  const built = await build({
    configFile: false,
    root: here('.'),
    logLevel: 'error',
    define: { 'process.env.NODE_ENV': '"production"' },
    build: {
      write: false,
      target: 'es2023',
      modulePreload: false,
      rolldownOptions: { input: here('bench/browser/page.ts'), output: { codeSplitting: false } },
    },
  })
  if (!('output' in built)) throw new Error('unable to bundle the page; vite did not build one output')
  return built.output[0].code
}
