import { deferred } from '../core/deferred'
import { ErrorCode, reasonOf, SessionError } from '../core/errors'
import type { ReactivePort } from '../core/port'
import type { Network } from './network'

/** What wakes an agent: which prompt, on which channel. */
export interface InvocationBody {
  inputEventId: string
  sessionName: string
}

/** An agent behind HTTP. */
export interface AgentEndpoint {
  url: string | URL
  /** Read for every attempt, so that a refreshed token is used. */
  headers?: HeadersInit | (() => HeadersInit | Promise<HeadersInit>)
  /** @default globalThis.fetch */
  fetch?: typeof fetch
}

/**
 * Where the agent is: its URL, an endpoint with headers, or a function that wakes it (throwing, and taking longer than 30
 * seconds, means "try again").
 */
export type AgentTarget = string | URL | AgentEndpoint | ((invocation: InvocationBody) => void | Promise<void>)

/** How waking the agent for one prompt fares. */
export interface WakeInfo {
  /**
   * `waiting` while the network is away, `retrying` while it waits for the next attempt; `failed` is final until `retry()`.
   */
  readonly state: 'waking' | 'waiting' | 'retrying' | 'accepted' | 'failed'
  /** Attempts made so far. */
  readonly attempts: number
  /** Why the last attempt failed. */
  readonly error?: SessionError
  /** Tries again now. */
  retry(): void
}

const firstDelay = 500
const longestDelay = 15_000
/** The longest wait that `Retry-After` may ask for. */
const longestWait = 300_000
/** How long one attempt may take. */
const attemptLimit = 30_000
const transient = new Set([408, 425, 429])

/** What a wake depends on, and whom it tells. */
export interface WakeHost {
  readonly port: ReactivePort
  readonly network: Pick<Network, 'isUp' | 'onBack'>
  /** Called when the agent has accepted, or finally refused. */
  settled(error?: SessionError): void
}

/** Wakes the agent for one prompt, trying again after network errors, 408, 425, 429 and 5xx. */
export class Wake {
  readonly info: WakeInfo
  #timer: ReturnType<typeof setTimeout> | undefined
  readonly #stopListening: () => void
  #stopped = false
  #givenUp: SessionError | undefined
  #latest = 0
  /** When the agent accepted, in milliseconds since the epoch. */
  acceptedAt: number | undefined

  constructor(
    private readonly target: AgentTarget,
    private readonly invocation: InvocationBody,
    private readonly host: WakeHost,
  ) {
    this.info = host.port.observe<WakeInfo>({ state: 'waking', attempts: 0, retry: () => this.#retry() })
    this.#stopListening = host.network.onBack(() => this.#goOn())
    void this.#attempt()
  }

  /** Makes no further attempt: the run has started, or nobody waits for it any more. */
  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
    this.#stopListening()
  }

  /** Makes no further attempt until somebody wants one; the one under way may still reach the agent. */
  giveUp(error: SessionError): void {
    const { state } = this.info
    if (state === 'accepted') return
    this.#givenUp = error
    if (state === 'waking') return
    clearTimeout(this.#timer)
    this.#fail(error)
  }

  #fail(error: SessionError): void {
    this.#note({ error, state: 'failed' })
    this.host.settled(error)
  }

  /** A run has started, whatever became of the attempts. */
  succeed(): void {
    this.stop()
    this.#note({ state: 'accepted', error: undefined })
  }

  /** The network is back: what waits, for it or for its turn, waits no longer. */
  #goOn(): void {
    if (this.info.state === 'waiting' || this.info.state === 'retrying') this.#retry()
  }

  #retry(): void {
    clearTimeout(this.#timer)
    this.#givenUp = undefined
    if (!this.#stopped) void this.#attempt()
  }

  async #attempt(): Promise<void> {
    const attempt = ++this.#latest
    this.acceptedAt = undefined
    if (!this.host.network.isUp) return this.#note({ state: 'waiting' })
    this.#note({ state: 'waking', attempts: this.info.attempts + 1, error: undefined })
    const outcome = await post(this.target, this.invocation)
    if (this.#stopped || attempt !== this.#latest) return
    if (outcome === 'accepted') {
      this.acceptedAt = Date.now()
      this.#note({ state: 'accepted' })
      return this.host.settled()
    }
    const { error, final, after = backoff(this.info.attempts) } = outcome
    if (this.#givenUp) return this.#fail(this.#givenUp)
    if (final) return this.#fail(error)
    const isUp = this.host.network.isUp
    this.#note({ error, state: isUp ? 'retrying' : 'waiting' })
    if (isUp) this.#timer = setTimeout(() => void this.#attempt(), after)
  }

  #note(change: Partial<WakeInfo>): void {
    Object.assign(this.info, change)
  }
}

/** Doubling delay with jitter, so that many clients do not return in step. */
function backoff(attempts: number): number {
  const delay = Math.min(firstDelay * 2 ** (attempts - 1), longestDelay)
  return delay * (0.5 + Math.random() / 2)
}

type Outcome = 'accepted' | { error: SessionError; final: boolean; after?: number }

async function post(target: AgentTarget, invocation: InvocationBody): Promise<Outcome> {
  const { promise: tooLate, reject } = deferred<never>()
  const limit = new AbortController()
  const timer = setTimeout(() => {
    reject(new Error(`it did not answer within ${attemptLimit / 1000} seconds`))
    limit.abort()
  }, attemptLimit)
  // NOTE: a process does not stay for it; pages have a number here
  ;(timer as { unref?: () => void }).unref?.()
  try {
    // NOTE: a function of the app may never settle
    return await Promise.race([ask(target, invocation, limit.signal), tooLate])
  } catch (cause) {
    const error = new SessionError(`unable to wake the agent; ${reasonOf(cause)}`, ErrorCode.SendFailed, { cause })
    return { error, final: false }
  } finally {
    clearTimeout(timer)
  }
}

async function ask(target: AgentTarget, invocation: InvocationBody, signal: AbortSignal): Promise<Outcome> {
  if (typeof target === 'function') {
    await target(invocation)
    return 'accepted'
  }
  const endpoint: AgentEndpoint = typeof target === 'string' || target instanceof URL ? { url: target } : target
  const { url, headers, fetch: send = fetch } = endpoint
  const given = new Headers(typeof headers === 'function' ? await headers() : headers)
  given.set('content-type', 'application/json')
  const body = JSON.stringify(invocation)
  const response = await send(url, { method: 'POST', headers: given, body, keepalive: true, signal })
  return response.ok ? 'accepted' : refusal(response)
}

async function refusal(response: Response): Promise<Outcome> {
  const text = await response.text().catch(() => '')
  const reason = `the agent answered ${response.status}${text ? `: ${messageIn(text)}` : ''}`
  const error = new SessionError(`unable to wake the agent; ${reason}`, ErrorCode.SendFailed, { cause: response })
  const final = response.status < 500 && !transient.has(response.status)
  const after = waitOf(response.headers.get('retry-after') ?? '')
  return { error, final, ...(after > 0 && { after: Math.min(after, longestWait) }) }
}

/** `Retry-After` in milliseconds: it is in seconds, or a date. */
const waitOf = (value: string): number =>
  Number.isFinite(Number(value)) ? Number(value) * 1000 : Date.parse(value) - Date.now()

/** What an error body says: the message of `{ error: { message } }`, else its first 200 characters. */
function messageIn(text: string): string {
  try {
    const body = JSON.parse(text) as { error?: { message?: unknown } } | null
    if (typeof body?.error?.message === 'string') return body.error.message
  } catch {
    // Not JSON: shown as it is
  }
  return text.slice(0, 200)
}
