import { spawn, type ChildProcess } from 'node:child_process'
import { stripVTControlCharacters } from 'node:util'
import type { Browser, Page } from 'playwright'
import { expect, onTestFinished } from 'vitest'
import { plainEnv } from '../support/command'

/** Starts a program, and returns its address once it prints one. The program ends with the test. */
export async function start(cwd: string, args: string[], env: NodeJS.ProcessEnv, address: RegExp): Promise<string> {
  return (await startProgram(cwd, args, env, address)).address
}

/** The same, with the process. */
export async function startProgram(
  cwd: string,
  args: string[],
  env: NodeJS.ProcessEnv,
  address: RegExp,
): Promise<{ child: ChildProcess; address: string }> {
  const child = spawn(process.execPath, args, { cwd, env: { ...plainEnv(), ...env } })
  onTestFinished(() => void child.kill('SIGKILL'))
  let printed = ''
  return new Promise((resolve, reject) => {
    const hear = (text: Buffer) => {
      printed += stripVTControlCharacters(String(text))
      const [, found] = address.exec(printed) ?? []
      if (found) resolve({ child, address: found })
    }
    child.stdout.on('data', hear)
    child.stderr.on('data', hear)
    child.once('exit', (code) => reject(new Error(`${args.join(' ')} ended with ${code}:\n${printed}`)))
  })
}

/** Opens a page that is closed with the test. `problems` has its errors and warnings, `ask` sends a prompt. */
export async function openPage(
  browser: Browser,
  url: string,
  prepare: (page: Page) => Promise<unknown> = async () => undefined,
): Promise<{ page: Page; problems: string[]; ask: (text: string) => Promise<void> }> {
  const page = await browser.newPage()
  onTestFinished(() => page.close())
  const problems: string[] = []
  page.on('pageerror', (error) => problems.push(error.message))
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') problems.push(message.text())
  })
  await prepare(page)
  await page.goto(url)
  const ask = async (text: string) => {
    await page.getByLabel('Message').fill(text)
    await page.keyboard.press('Enter')
  }
  return { page, problems, ask }
}

type Visit = Awaited<ReturnType<typeof openPage>>

/** What a page, as the README shows it, says about the state of a message or of its run. */
const words = {
  sent: /^\s*$/,
  complete: /^\s*$/,
  active: /^\s*Answering \.\.\./,
  suspended: /^\s*Waiting for you/,
  cancelled: /^\s*Stopped\s*$/,
  error: /^\s*Failed\s*$/,
}

/** The messages of a role and a state in a page as the README shows it. */
export const messagesOf = (page: Page, role: 'user' | 'assistant', state: keyof typeof words) =>
  page
    .locator('article')
    .filter({ has: page.locator('strong', { hasText: role === 'user' ? /^You$/ : /^Agent$/ }) })
    .filter({ has: page.locator('footer', { hasText: words[state] }) })

/** The end of a prompt whose answer takes half a minute, since the demo model repeats the prompt. */
export const forLong = ' and so on'.repeat(250)

/** The end of a prompt whose answer takes some seconds more than others. */
export const forAWhile = ' and so on'.repeat(30)

/** Asks twice and stops the first answer, in a page as the README shows it; the second one completes. */
export async function stopOneOfTwo({ page, ask }: Pick<Visit, 'page' | 'ask'>) {
  await ask(`One${forLong}`)
  await ask(`Two${forAWhile}`)
  const stopOf = (prompt: string) =>
    messagesOf(page, 'assistant', 'active')
      .filter({ hasText: `You said: "${prompt}` })
      .getByRole('button', { name: 'Stop' })
  await stopOf('Two').waitFor()
  await messagesOf(page, 'assistant', 'active').filter({ hasText: 'You said: "One' }).waitFor()
  await stopOf('One').click()
  await messagesOf(page, 'assistant', 'cancelled').filter({ hasText: 'You said: "One' }).waitFor()
  await messagesOf(page, 'assistant', 'complete').filter({ hasText: 'You said: "Two' }).waitFor()
  expect(await page.getByRole('button', { name: 'Stop' }).count()).toBe(0)
}

/** The files of a guide: code blocks that begin with their path. */
export function filesOf(markdown: string): Map<string, string> {
  const blocks = markdown.matchAll(/```(?:ts|vue|js|html)\n((?:\/\/|<!--) (\S+?)(?: -->)?\n[^]*?)```/g)
  return new Map(Array.from(blocks, ([, text, path]) => [path!, text!]))
}
