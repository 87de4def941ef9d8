import { Network } from '../ably/network'
import { MultiMap } from '../core/collections'
import { ErrorCode, reasonOf, unableTo, type SessionError } from '../core/errors'
import { deferred, type ReactivePort, type Signal } from '../core/signals'
import type { WakeInfo } from '../core/run-info'
import type { RunNode } from '../core/run-node'
import type { AgentEndpoint, AgentTarget, InvocationBody, SessionContext } from './context'
import { acceptedRun, subjectOf, type WakeTrigger } from './submission'

const firstDelay = 500
const longestBackoff = 15_000

/** Wakes the agent for one input or cancel. Network errors, 408, 425, 429 and 5xx are tried again. */
class Wake {
  readonly trigger: WakeTrigger
  readonly info: WakeInfo
  readonly #attemptOnce: () => Promise<Outcome>
  readonly #network: Network
  readonly #onChange: (error?: SessionError) => void
  readonly #stopListening: () => void
  #timer: ReturnType<typeof setTimeout> | undefined
  #isStopped = false
  #abandoned: SessionError | undefined
  #latest = 0
  /** When the agent accepted, in milliseconds since the epoch; undefined until then. */
  acceptedAt: number | undefined

  constructor(
    trigger: WakeTrigger,
    port: ReactivePort,
    network: Network,
    attemptOnce: () => Promise<Outcome>,
    onChange: (error?: SessionError) => void,
  ) {
    this.trigger = trigger
    this.#attemptOnce = attemptOnce
    this.#network = network
    this.#onChange = onChange
    this.info = port.observe<WakeInfo>({ state: 'waking', attempts: 0, retry: () => this.#retry() })
    this.#stopListening = network.onBack(() => {
      if (this.info.state === 'waiting' || this.info.state === 'retrying') this.#retry()
    })
    void this.#attempt()
  }

  /** Makes no further attempt. */
  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#timer)
    this.#stopListening()
  }

  /** Makes no further attempt until `retry()`; the one under way may still reach the agent. */
  abandon(error: SessionError): void {
    const { state } = this.info
    if (state === 'accepted') return
    this.#abandoned = error
    if (state === 'waking') return
    clearTimeout(this.#timer)
    this.#fail(error)
  }

  /** An agent has accepted the prompt, even if every attempt seems to have failed. */
  succeed(): void {
    this.stop()
    this.#set({ state: 'accepted', error: undefined })
  }

  #fail(error: SessionError): void {
    this.#set({ error, state: 'failed' })
    this.#onChange(error)
  }

  #retry(): void {
    clearTimeout(this.#timer)
    this.#abandoned = undefined
    if (!this.#isStopped) void this.#attempt()
  }

  async #attempt(): Promise<void> {
    const attempt = ++this.#latest
    this.acceptedAt = undefined
    const { isUp } = this.#network
    this.#set(isUp ? { state: 'waking', attempts: this.info.attempts + 1, error: undefined } : { state: 'waiting' })
    // NOTE: a failed wake counts as running again
    if (attempt > 1) this.#onChange()
    if (!isUp) return
    const outcome = await this.#attemptOnce()
    if (this.#isStopped || attempt !== this.#latest) return
    if (outcome === 'accepted') {
      this.acceptedAt = Date.now()
      this.#set({ state: 'accepted' })
      return this.#onChange()
    }
    const { error, final, after = backoff(this.info.attempts) } = outcome
    if (this.#abandoned) return this.#fail(this.#abandoned)
    if (final) return this.#fail(error)
    const canRetry = this.#network.isUp
    this.#set({ error, state: canRetry ? 'retrying' : 'waiting' })
    if (canRetry) this.#timer = setTimeout(() => void this.#attempt(), after)
  }

  #set(change: Partial<WakeInfo>): void {
    Object.assign(this.info, change)
  }
}

/** Doubling delay with jitter, so that many clients do not return at the same moment. */
function backoff(attempts: number): number {
  const delay = Math.min(firstDelay * 2 ** (attempts - 1), longestBackoff)
  return delay * (0.5 + Math.random() / 2)
}

/** The wakes of this session, by event id, until a run has accepted their input. */
export class Wakes<M extends object> {
  readonly #session: SessionContext<M>
  readonly #wakes = new Map<string, Wake>()
  /** By the id of the run that the input goes into, else by the input's id. */
  readonly #byTarget = new MultiMap<Wake>()
  readonly #changed: Signal
  readonly #network: Network

  constructor(session: SessionContext<M>) {
    this.#session = session
    this.#changed = session.port.signal()
    this.#network = new Network(session.channel)
  }

  infoOf(eventId: string): WakeInfo | undefined {
    this.#changed.track()
    return this.#wakes.get(eventId)?.info
  }

  /** When the agent has accepted the wake; undefined until then. */
  acceptedAt(eventId: string): number | undefined {
    return this.#wakes.get(eventId)?.acceptedAt
  }

  invocation(eventId: string): InvocationBody {
    return { inputEventId: eventId, sessionName: this.#session.channel.name }
  }

  /** Wakes the agent, again if that was done before. */
  wake({ eventId, inputId, runId }: WakeTrigger, onFailed: (error: SessionError) => void): WakeInfo {
    const session = this.#session
    const { agent } = session.options
    session.checkOpen()
    if (!agent) throw unableTo('wake the agent', 'the session has none', ErrorCode.BadRequest)
    const known = this.infoOf(eventId)
    known?.retry()
    if (known) return known
    const trigger = { eventId, inputId, runId }
    const onChange = (error?: SessionError): void =>
      session.act(() => {
        if (error) onFailed(error)
        session.touch(subjectOf(session.tree, trigger))
      })
    return session.act(() => {
      const attempt = (): Promise<Outcome> => callAgent(agent, this.invocation(eventId))
      const wake = new Wake(trigger, session.port, this.#network, attempt, onChange)
      this.#wakes.set(eventId, wake)
      this.#byTarget.add(runId ?? inputId, wake)
      this.#changed.trigger()
      session.touch(subjectOf(session.tree, trigger))
      return wake.info
    })
  }

  /** Stops the wakes whose input the run has accepted. */
  apply(run: RunNode<M>): void {
    for (const key of [run.key, run.inputId ?? '']) {
      for (const wake of this.#byTarget.of(key).slice()) {
        if (!acceptedRun(this.#session.tree, wake.trigger)) continue
        wake.succeed()
        this.#wakes.delete(wake.trigger.eventId)
        this.#byTarget.remove(key, wake)
      }
    }
  }

  /** Stops waking for an input that was cancelled before an agent was reached. */
  abandon(eventId = ''): void {
    this.#wakes.get(eventId)?.abandon(unableTo('start the run', 'it was cancelled', ErrorCode.Cancelled))
  }

  close(): void {
    for (const wake of this.#wakes.values()) wake.stop()
  }
}

/** The longest delay that `Retry-After` may ask for, in milliseconds. */
const longestRetryAfter = 300_000
/** How long one attempt may take, in milliseconds. */
const attemptLimit = 30_000
const transient = new Set([408, 425, 429])

/** How an attempt went: `final` errors are not tried again, others after `after` milliseconds where that is given. */
type Outcome = 'accepted' | { error: SessionError; final: boolean; after?: number }

/** Makes one attempt to wake an agent. */
async function callAgent(target: AgentTarget, invocation: InvocationBody): Promise<Outcome> {
  const { promise: timeout, reject } = deferred<never>()
  const abort = new AbortController()
  const timer = setTimeout(() => {
    reject(new Error(`${nameOf(target)} did not answer within ${attemptLimit / 1000} seconds`))
    abort.abort()
  }, attemptLimit)
  // NOTE: a Node process need not stay for it; in browsers a timer is a number
  ;(timer as { unref?: () => void }).unref?.()
  try {
    // NOTE: a function of the app may never settle
    return await Promise.race([post(target, invocation, abort.signal), timeout])
  } catch (cause) {
    return { error: failure(reasonOf(cause), cause), final: false }
  } finally {
    clearTimeout(timer)
  }
}

async function post(target: AgentTarget, invocation: InvocationBody, signal: AbortSignal): Promise<Outcome> {
  if (typeof target === 'function') {
    await target(invocation)
    return 'accepted'
  }
  const endpoint: AgentEndpoint = typeof target === 'string' || target instanceof URL ? { url: target } : target
  const { url, headers: given, fetch: send = fetch } = endpoint
  const headers = new Headers(typeof given === 'function' ? await given() : given)
  headers.set('content-type', 'application/json')
  const body = JSON.stringify(invocation)
  const response = await send(url, { method: 'POST', headers, body, keepalive: true, signal }).catch(
    (cause: unknown) => {
      throw new Error(`${nameOf(target)} cannot be reached: ${reasonOf(cause)}`, { cause })
    },
  )
  return response.ok ? 'accepted' : refusal(target, response)
}

async function refusal(target: AgentTarget, response: Response): Promise<Outcome> {
  const text = await response.text().catch(() => '')
  const detail = text ? `: ${messageIn(text)}` : ''
  const error = failure(`${nameOf(target)} answered ${response.status}${detail}`, response)
  const after = delayIn(response.headers.get('retry-after') ?? '')
  const final = response.status < 500 && !transient.has(response.status)
  return { error, final, ...(after > 0 && { after: Math.min(after, longestRetryAfter) }) }
}

/** The agent in error messages, with its URL where it has one. */
const nameOf = (target: AgentTarget): string => {
  if (typeof target === 'function') return 'the agent'
  return `the agent at ${String(typeof target === 'string' || target instanceof URL ? target : target.url)}`
}

const failure = (reason: string, cause: unknown): SessionError =>
  unableTo('wake the agent', reason, ErrorCode.SendFailed, { cause })

/** `Retry-After` in milliseconds: the header has seconds, or a date. */
const delayIn = (value: string): number =>
  Number.isFinite(Number(value)) ? Number(value) * 1000 : Date.parse(value) - Date.now()

/** The message of `{ error: { message } }` in an error body, else the first 200 characters. */
function messageIn(text: string): string {
  try {
    const body = JSON.parse(text) as { error?: { message?: unknown } } | null
    if (typeof body?.error?.message === 'string') return body.error.message
  } catch {
    // Not JSON: shown as it is
  }
  return text.slice(0, 200)
}
