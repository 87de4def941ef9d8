import { chromium, type Browser, type LaunchOptions } from 'playwright'
import { chromiumArgs, chromiumPath } from '../../scripts/chromium'

/** How long a page waits for anything, in ms: long enough for a busy machine. */
export const longest = 120_000

/** Starts Chromium for tests. */
export const startChromium = (options?: LaunchOptions): Promise<Browser> =>
  started(() => chromium.launch({ executablePath: chromiumPath(), args: chromiumArgs, ...options }))

/** A browser that is started anew if its start fails, and whose pages wait for {@link longest}. */
export async function started(start: () => Promise<Browser>): Promise<Browser> {
  // NOTE: once in hundreds of starts on a busy machine, Chromium does not answer
  const browser = await start().catch(start)
  for (const context of browser.contexts()) context.setDefaultTimeout(longest)
  browser.on('context', (context) => context.setDefaultTimeout(longest))
  return browser
}
