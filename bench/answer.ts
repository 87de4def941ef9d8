import vue from '@vitejs/plugin-vue'
import { chromium, type CDPSession } from 'playwright'
import { build } from 'vite'
import { chromiumArgs, chromiumPath } from '../scripts/chromium.ts'
import { here } from '../scripts/entries.ts'
import type { Tail } from './browser/answer.ts'

const address = 'http://localhost/s/bench'
const warmUp = 60
const tokens = 120

/** Milliseconds of the page's main thread for one token. */
export interface TokenWork {
  /** Running JavaScript. */
  readonly script: number
  readonly style: number
  readonly layout: number
  /** All of it, with paint. */
  readonly all: number
}

/** The work for a token in the playground's page in Chromium, with one token a frame, by length of the answer. */
export async function answerCosts(tails: readonly Tail[], lengths: readonly number[]) {
  const { script, style } = await bundlePage()
  const browser = await chromium.launch({ executablePath: chromiumPath(), args: chromiumArgs })
  const costs = new Map<Tail, TokenWork[]>(tails.map((tail) => [tail, []]))
  try {
    for (const [tail, works] of costs) {
      for (const length of lengths) {
        const page = await browser.newPage({ viewport: { width: 1280, height: 800 } })
        await page.route('**', (route) =>
          route.request().url() === address
            ? route.fulfill({ contentType: 'text/html', body: '<!doctype html><html><body></body></html>' })
            : route.fulfill({ body: '' }),
        )
        await page.goto(address)
        await page.addStyleTag({ content: style })
        await page.addScriptTag({ content: script, type: 'module' })
        await page.waitForFunction(() => 'answerPage' in globalThis)
        const metrics = await page.context().newCDPSession(page)
        // NOTE: time on the processor, so that other processes do not count
        await metrics.send('Performance.enable', { timeDomain: 'threadTicks' })
        await page.evaluate(([tail, length]) => globalThis.answerPage.begin(tail, length), [tail, length] as const)
        const shown = await page.evaluate(() => globalThis.answerPage.shown())
        if (shown < length / 2) throw new Error(`the page shows ${shown} of ${length} characters`)
        await page.evaluate((count) => globalThis.answerPage.stream(count), warmUp)
        const before = await workOf(metrics)
        await page.evaluate((count) => globalThis.answerPage.stream(count), tokens)
        const after = await workOf(metrics)
        works.push({
          script: (after.script - before.script) / tokens,
          style: (after.style - before.style) / tokens,
          layout: (after.layout - before.layout) / tokens,
          all: (after.all - before.all) / tokens,
        })
        await page.close()
      }
    }
    return costs as ReadonlyMap<Tail, readonly TokenWork[]>
  } finally {
    await browser.close()
  }
}

async function workOf(session: CDPSession): Promise<TokenWork> {
  const { metrics } = await session.send('Performance.getMetrics')
  const read = (wanted: string) => (metrics.find(({ name }) => name === wanted)?.value ?? 0) * 1000
  return {
    script: read('ScriptDuration'),
    style: read('RecalcStyleDuration'),
    layout: read('LayoutDuration'),
    all: read('TaskDuration'),
  }
}

/** The client of the dev server, which the page does without. */
const noServer = {
  name: 'no-server',
  resolveId: (id: string) => (id === 'virtual:local-ably' ? `\0${id}` : undefined),
  load: (id: string) => (id === '\0virtual:local-ably' ? 'export const clientOptions = () => ({})' : undefined),
}

async function bundlePage(): Promise<{ script: string; style: string }> {
  const built = await build({
    configFile: false,
    root: here('.'),
    logLevel: 'error',
    publicDir: here('playground/public'),
    plugins: [vue(), noServer],
    resolve: { alias: [{ find: /^vue-ai-transport$/, replacement: here('src/index.ts') }] },
    define: { 'process.env.NODE_ENV': '"production"' },
    build: {
      write: false,
      target: 'es2023',
      modulePreload: false,
      cssCodeSplit: false,
      rolldownOptions: { input: here('bench/browser/answer.ts'), output: { codeSplitting: false } },
    },
  })
  if (!('output' in built)) throw new Error('unable to bundle the page; vite did not build one output')
  const style = built.output.flatMap((file) =>
    file.type === 'asset' && file.fileName.endsWith('.css') ? [file.source] : [],
  )
  return { script: built.output[0].code, style: style.join('\n') }
}
