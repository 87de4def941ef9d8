import { chromium, type Browser, type BrowserContextOptions, type LaunchOptions, type Page } from 'playwright'
import { onTestFinished } from 'vitest'
import { chromiumArgs, chromiumPath } from '../../scripts/chromium'

/** How long a page waits for anything, in ms: long enough for a busy machine. */
export const longest = 120_000

/** Starts Chromium for tests. */
export const startChromium = (options?: LaunchOptions): Promise<Browser> =>
  started(() => chromium.launch({ executablePath: chromiumPath(), args: chromiumArgs, ...options }))

let shared: Promise<Browser> | undefined

/** The Chromium of all tests of this process. Tests close their pages, and the browser ends with the process. */
export const sharedChromium = (): Promise<Browser> => (shared ??= startChromium())

/** A page of {@link sharedChromium} on a device of its own, which is closed at the end of the test. */
export async function newPage(options?: BrowserContextOptions): Promise<Page> {
  const context = await (await sharedChromium()).newContext(options)
  onTestFinished(() => context.close())
  return context.newPage()
}

/** A browser that is started anew if its start fails, and whose pages wait for {@link longest}. */
export async function started(start: () => Promise<Browser>): Promise<Browser> {
  // NOTE: once in hundreds of starts on a busy machine, Chromium does not answer
  const browser = await start().catch(start)
  for (const context of browser.contexts()) context.setDefaultTimeout(longest)
  browser.on('context', (context) => context.setDefaultTimeout(longest))
  return browser
}
