import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { chromium, type Browser } from 'playwright'
import { chromiumArgs, chromiumPath } from '../../scripts/chromium'
import { started } from '../support/browser'

/**
 * Starts Chromium as users run it: a tab of its first context is hidden while another tab is in front, or its window is
 * minimised. In a browser that Playwright launches, each tab counts as focused and stays visible.
 */
export const startPlainChromium = (): Promise<Browser> => started(start)

async function start(): Promise<Browser> {
  const profile = mkdtempSync(join(tmpdir(), 'chromium-'))
  const own = ['--headless', '--no-startup-window', `--user-data-dir=${profile}`, '--remote-debugging-port=0']
  const chrome = spawn(chromiumPath(), [...chromiumArgs, ...own], { stdio: ['ignore', 'ignore', 'pipe'] })
  chrome.once('exit', () => rmSync(profile, { recursive: true, force: true, maxRetries: 5 }))
  try {
    const browser = await chromium.connectOverCDP(await addressOf(chrome.stderr), { noDefaults: true, timeout: 60_000 })
    browser.once('disconnected', () => chrome.kill())
    return browser
  } catch (error) {
    chrome.kill('SIGKILL')
    throw error
  }
}

/** The address at which a Chromium that has just been started can be controlled. */
async function addressOf(output: NodeJS.ReadableStream): Promise<string> {
  const lines = createInterface(output)
  for await (const line of lines) {
    const [, address] = /listening on (ws:\S+)/.exec(line) ?? []
    if (!address) continue
    lines.close()
    // NOTE: Chromium would wait once the pipe is full
    output.resume()
    return address
  }
  throw new Error('unable to start Chromium; it ended before it printed its address')
}
