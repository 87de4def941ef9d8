import MarkdownIt from 'markdown-it'
import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright'
import { afterAll, afterEach, beforeAll, inject } from 'vitest'
import { answerTo } from '../../playground/server/answers'
import type { Allowance } from '../../playground/server/gates'
import type { ActiveFault, FaultOrder } from '../../playground/shared/faults'
import type { CardStatus } from '../../playground/src/conversation/status'
import { startPlayground, type Playground, type PlaygroundOptions } from '../../scripts/playground'
import { longest, sharedChromium, startChromium } from '../support/browser'
import { eventually } from '../support/eventually'
import { startPlainChromium } from './plain-chromium'

/** Milliseconds between two looks at a page: each is work for three processes. */
const pause = 50

/** Settings of all visits of a file. */
export interface VisitsOptions extends Pick<PlaygroundOptions, 'env'> {
  /** Whether the browser keeps pages that are left for its back button, as browsers of users do. @default false */
  keepsPages?: boolean
  /** Whether visits are tabs of one device, and one tab hides the others, as in browsers of users. @default false */
  hidesTabs?: boolean
}

/** The playground under test, and a browser to visit it with. */
export interface Visits {
  /** A new conversation. */
  newSession(): string
  /** Opens a conversation on a new device: storage and identity are not shared with other visits. */
  visit(options?: VisitOptions): Promise<Visitor>
  /** Sends a signal to the server of the playground. Needs `env`. */
  signalServer(name: NodeJS.Signals): void
}

export interface VisitOptions extends BrowserContextOptions {
  /** The conversation. @default a new one */
  session?: string
  /** Whether the page moves as it does for most users, which costs a frame of work 60 times a second. @default false */
  hasMotion?: boolean
  /** Tokens per second of the answers to this visitor. @default 1000 */
  speed?: string | number
  /** How far answers to this visitor can stream until `allow` is called. @default 'all' */
  allow?: Allowance
  /** Whether every render leaves a measure in the page's performance timeline. */
  profile?: boolean
  /** Whether the test sets the page's clock, with `visitor.page.clock`. */
  hasOwnClock?: boolean
  /** Console errors that belong to the test. */
  expected?: RegExp
}

let sessions = 0
let gates = 0

/**
 * Opens the playground of this process for a file of tests; one with settings of its own is started for the file. A console
 * error fails the test in which it happens.
 */
export function useVisits({ env, keepsPages = false, hidesTabs = false }: VisitsOptions = {}): Visits {
  let url: string
  let own: Playground | undefined
  let browser: Browser
  const visitors: Visitor[] = []

  const startBrowser = () => {
    if (hidesTabs) return startPlainChromium()
    return keepsPages ? startChromium({ ignoreDefaultArgs: ['--disable-back-forward-cache'] }) : sharedChromium()
  }
  beforeAll(async () => {
    browser = await startBrowser()
    if (env) own = await startPlayground({ built: inject('builtPlayground'), env })
    url = own?.url ?? inject('playgrounds')[Number(process.env.VITEST_POOL_ID) - 1]!
  })
  afterAll(async () => {
    if (hidesTabs || keepsPages) await browser?.close()
    // NOTE: answers that are held at a gate get no time to end
    if (own) await own.stop('SIGKILL')
    else await endFaults(url)
  })
  afterEach(async () => {
    const open = visitors.splice(0)
    await Promise.all(open.map(({ page }) => (hidesTabs ? page.close() : page.context().close())))
    const problems = open.flatMap((visitor) => visitor.problems)
    if (problems.length > 0) throw new Error(`the console says: ${problems.join('; ')}`)
  })

  const newSession = () => `trip-${Date.now().toString(36)}-${sessions++}`
  return {
    newSession,
    signalServer: (name) => own!.signal(name),
    async visit({
      session = newSession(),
      speed = 1000,
      allow = 'all',
      hasMotion = false,
      profile,
      hasOwnClock,
      expected,
      ...options
    } = {}) {
      const context = hidesTabs
        ? browser.contexts()[0]!
        : await browser.newContext({
            viewport: { width: 1280, height: 800 },
            reducedMotion: hasMotion ? 'no-preference' : 'reduce',
            ...options,
          })
      const visitor = new Visitor(await context.newPage(), session, `${url}/api/gates/gate-${gates++}`, expected)
      visitors.push(visitor)
      if (hasOwnClock) await visitor.page.clock.install()
      await visitor.allow(allow)
      const gate = visitor.gateUrl.split('/').at(-1)
      await visitor.page.goto(`${url}/s/${session}?speed=${speed}&gate=${gate}${profile ? '&profile' : ''}`)
      await visitor.page.locator('[data-connection="connected"]').waitFor()
      return visitor
    },
  }
}

/** Ends the failures that are active on a playground, which the next file of tests uses. */
async function endFaults(url: string): Promise<void> {
  const feed = (await fetch(`${url}/api/faults/`)).body!.getReader()
  const event = new TextDecoder().decode((await feed.read()).value)
  await feed.cancel()
  const active = JSON.parse(event.replace('data: ', '')) as readonly ActiveFault[]
  for (const { kind, clientId } of active) {
    const body = JSON.stringify({ clientId, seconds: 0 })
    await fetch(`${url}/api/faults/${kind === 'kill' ? 'restart' : kind}`, { method: 'POST', body })
  }
}

/** A visitor of a conversation. */
export class Visitor {
  readonly problems: string[] = []

  constructor(
    readonly page: Page,
    readonly session: string,
    /** The address at which the server takes the orders of {@link allow}. */
    readonly gateUrl: string,
    expected: RegExp | undefined,
  ) {
    const note = (problem: string) => {
      if (!expected?.test(problem)) this.problems.push(problem)
    }
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') note(`${message.type()}: ${message.text()}`)
    })
    page.on('pageerror', (error) => note(`uncaught: ${error.stack ?? error.message}`))
    page.on('response', (response) => {
      if (response.status() === 404) note(`not found: ${response.url()}`)
    })
  }

  /** Lets each answer to this visitor, active or later, stream this far and no further. */
  async allow(allowance: Allowance): Promise<void> {
    const { ok, status } = await fetch(this.gateUrl, { method: 'POST', body: JSON.stringify(allowance) })
    if (!ok) throw new Error(`the gate answered with ${status}`)
  }

  /** Stops the page's clock, which the test then moves with `page.clock.runFor`. Needs `hasOwnClock`. */
  async stopClock(): Promise<void> {
    const { clock } = this.page
    // NOTE: on a busy machine the next second can be over before the clock is told to stop there
    await eventually(async () => clock.pauseAt((await this.page.evaluate(() => Date.now())) + 1000))
  }

  /** Lets each fault that the page starts from now on last until it is ended. */
  async prolongFaults(): Promise<void> {
    await this.page.route('**/api/faults/*', (route) => {
      const order = route.request().postDataJSON() as FaultOrder | null
      return route.continue(order?.seconds ? { postData: JSON.stringify({ ...order, seconds: 600 }) } : {})
    })
  }

  /** Starts a fault for this visitor, as a button of the drawer does; 0 seconds end it. */
  async cause(kind: string, seconds = 600): Promise<void> {
    await this.page.evaluate(
      async ([kind, seconds]) => {
        const clientId = localStorage.getItem('playground:device')
        const body = JSON.stringify({ clientId, seconds })
        const response = await fetch(`/api/faults/${kind}`, { method: 'POST', body })
        if (!response.ok) throw new Error(`the fault was refused with ${response.status}`)
      },
      [kind, seconds] as const,
    )
  }

  get message(): Locator {
    return this.page.getByLabel('Message', { exact: true })
  }

  /** The card of the nth prompt, from 1. */
  run(number: number): RunOnPage {
    return new RunOnPage(this.cards.nth(number - 1))
  }

  get cards(): Locator {
    return this.page.locator('article')
  }

  /** Sends a prompt by keyboard; resolves once its card is there. */
  async ask(text: string): Promise<RunOnPage> {
    const number = (await this.cards.count()) + 1
    await this.message.fill(text)
    await this.message.press('Enter')
    const run = this.run(number)
    await run.card.waitFor()
    return run
  }

  async press(name: string | RegExp): Promise<void> {
    await this.page.getByRole('button', { name }).click()
  }
}

/** A run as a visitor sees it. */
export class RunOnPage {
  constructor(readonly card: Locator) {}

  get stopButton(): Locator {
    return this.card.getByRole('button', { name: /^Stop run/ })
  }

  async stop(): Promise<void> {
    await this.stopButton.click()
  }

  async status(): Promise<string | null> {
    return this.card.getAttribute('data-status')
  }

  async runId(): Promise<string> {
    await this.card.and(this.card.page().locator('[data-run-id]')).waitFor()
    return (await this.card.getAttribute('data-run-id'))!
  }

  /** Waits for a status. */
  async reaches(status: CardStatus): Promise<void> {
    await eventually(
      async () => {
        const now = await this.status()
        if (now !== status) throw new Error(`the run is ${now}, not ${status}`)
      },
      longest,
      pause,
    )
  }

  /** Waits until the run streams and has some words to show. */
  async streams(words = 5): Promise<void> {
    await this.reaches('streaming')
    await eventually(
      async () => {
        const count = (await this.text()).split(' ').length
        if (count <= words) throw new Error(`the run has ${count} words, not more than ${words}`)
      },
      longest,
      pause,
    )
  }

  /** Asserts that the answer has exactly this text now. */
  async reads(words: string): Promise<void> {
    const now = await this.text()
    if (now !== words) throw new Error(`the run reads "${now}", not "${words}"`)
  }

  /** The text of the answer, without line breaks. */
  async text(): Promise<string> {
    return inOneLine((await this.card.locator('.prose').allTextContents()).join(' '))
  }
}

/** The demo model's answer to a prompt, as the page shows it. */
export function wordsFor(prompt: string): string {
  const html = new MarkdownIt({ linkify: true }).render(answerTo(prompt))
  const text = html.replace(/<[^>]+>/g, '').replace(/&(amp|lt|gt|quot);/g, (_, name: string) => entities[name]!)
  return inOneLine(text)
}

const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"' }

// NOTE: white space is removed because breaks between blocks are markup on one side and nothing on the other
const inOneLine = (text: string): string => text.replace(/\s+/g, ' ').trim()
