import { ErrorCode, reasonOf, SessionError } from '../core/errors'
import type { ReactivePort } from '../core/port'

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

/** Where the agent is: its URL, an endpoint with headers, or a function that wakes it (throwing means "try again"). */
export type AgentTarget = string | URL | AgentEndpoint | ((invocation: InvocationBody) => void | Promise<void>)

/** How waking the agent for one prompt fares. */
export interface WakeInfo {
  /** `retrying` while it waits for the next attempt; `failed` is final until `retry()`. */
  readonly state: 'waking' | 'retrying' | 'accepted' | 'failed'
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

/** Wakes the agent for one prompt, trying again after network errors, 408, 425, 429 and 5xx. */
export class Wake {
  readonly info: WakeInfo
  #timer: ReturnType<typeof setTimeout> | undefined
  #stopped = false
  #latest = 0

  constructor(
    private readonly target: AgentTarget,
    private readonly invocation: InvocationBody,
    port: ReactivePort,
    private readonly onFailed: (error: SessionError) => void,
  ) {
    this.info = port.observe<WakeInfo>({ state: 'waking', attempts: 0, retry: () => this.#retry() })
    void this.#attempt()
  }

  /** Makes no further attempt: the run has started, or nobody waits for it any more. */
  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
  }

  #retry(): void {
    clearTimeout(this.#timer)
    this.#stopped = false
    void this.#attempt()
  }

  async #attempt(): Promise<void> {
    const attempt = ++this.#latest
    this.#note({ state: 'waking', attempts: this.info.attempts + 1, error: undefined })
    const outcome = await post(this.target, this.invocation)
    if (this.#stopped || attempt !== this.#latest) return
    if (outcome === 'accepted') return this.#note({ state: 'accepted' })
    this.#note({ error: outcome.error, state: outcome.final ? 'failed' : 'retrying' })
    if (outcome.final) return this.onFailed(outcome.error)
    this.#timer = setTimeout(() => void this.#attempt(), outcome.after ?? backoff(this.info.attempts))
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
  try {
    if (typeof target === 'function') {
      await target(invocation)
      return 'accepted'
    }
    const {
      url,
      headers,
      fetch: send = fetch,
    } = typeof target === 'string' || target instanceof URL ? ({ url: target } as AgentEndpoint) : target
    const given = new Headers(typeof headers === 'function' ? await headers() : headers)
    given.set('content-type', 'application/json')
    const response = await send(url, {
      method: 'POST',
      headers: given,
      body: JSON.stringify(invocation),
      keepalive: true,
      signal: AbortSignal.timeout(attemptLimit),
    })
    return response.ok ? 'accepted' : await refusal(response)
  } catch (cause) {
    return {
      error: new SessionError(`unable to wake the agent; ${reasonOf(cause)}`, ErrorCode.SendFailed, { cause }),
      final: false,
    }
  }
}

async function refusal(response: Response): Promise<Outcome> {
  const text = await response.text().catch(() => '')
  const reason = `the agent answered ${response.status}${text ? `: ${messageIn(text)}` : ''}`
  const error = new SessionError(`unable to wake the agent; ${reason}`, ErrorCode.SendFailed, { cause: response })
  const final = response.status < 500 && !transient.has(response.status)
  const after = Number(response.headers.get('retry-after'))
  return { error, final, ...(after > 0 && { after: Math.min(after * 1000, longestWait) }) }
}

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
