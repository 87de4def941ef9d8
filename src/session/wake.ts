import { isNetworkUp, onNetworkBack } from '../ably/network'
import type { Channel } from '../ably/session-channel'
import { MultiMap } from '../core/collections'
import { answered, ErrorCode, reasonOf, unableTo, type SessionError } from '../core/errors'
import { deferred, type Signal } from '../core/signals'
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
  readonly #channel: Channel
  readonly #attemptOnce: (count: number) => Promise<Outcome>
  readonly #onChange: (error?: SessionError) => void
  #timer: ReturnType<typeof setTimeout> | undefined
  #isStopped = false
  #abandoned: SessionError | undefined
  #latest = 0
  /** When the agent accepted, in milliseconds since the epoch; undefined until then. */
  acceptedAt: number | undefined

  constructor(
    trigger: WakeTrigger,
    { port, channel }: Pick<SessionContext<object>, 'port' | 'channel'>,
    attemptOnce: (count: number) => Promise<Outcome>,
    onChange: (error?: SessionError) => void,
  ) {
    this.trigger = trigger
    this.#channel = channel
    this.#attemptOnce = attemptOnce
    this.#onChange = onChange
    this.info = port.observe<WakeInfo>({ state: 'waking', attempts: 0, retry: () => this.#retry() })
    void this.#attempt()
  }

  /** Does not wait any longer, because the network is back. */
  hurry(): void {
    if (this.info.state === 'waiting' || this.info.state === 'retrying') this.#retry()
  }

  /** Makes no further attempt. */
  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#timer)
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
    const isUp = isNetworkUp(this.#channel)
    this.#set(isUp ? { state: 'waking', attempts: this.info.attempts + 1, error: undefined } : { state: 'waiting' })
    // NOTE: a failed wake counts as running again
    if (attempt > 1) this.#onChange()
    if (!isUp) return
    const outcome = await this.#attemptOnce(this.info.attempts)
    if (this.#isStopped || attempt !== this.#latest) return
    if (outcome === 'accepted') {
      this.acceptedAt = Date.now()
      this.#set({ state: 'accepted' })
      return this.#onChange()
    }
    const { error, final, after = backoff(this.info.attempts) } = outcome
    if (this.#abandoned) return this.#fail(this.#abandoned)
    if (final) return this.#fail(error)
    const canRetry = isNetworkUp(this.#channel)
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
  #stopListening: (() => void) | undefined

  constructor(session: SessionContext<M>) {
    this.#session = session
    this.#changed = session.port.signal()
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
      const attempt = (count: number): Promise<Outcome> => callAgent(agent, this.invocation(eventId), count)
      const wake = new Wake(trigger, session, attempt, onChange)
      this.#wakes.set(eventId, wake)
      this.#stopListening ??= onNetworkBack(session.channel, () => this.#wakes.forEach((each) => each.hurry()))
      this.#byTarget.add(runId ?? inputId, wake)
      this.#changed.trigger()
      session.touch(subjectOf(session.tree, trigger))
      return wake.info
    })
  }

  /** Stops the wakes whose input the run has accepted. */
  apply(run: RunNode<M>): void {
    if (this.#byTarget.size === 0) return
    for (const key of [run.key, run.inputId ?? '']) {
      for (const wake of this.#byTarget.of(key).slice()) {
        if (!acceptedRun(this.#session.tree, wake.trigger)) continue
        wake.succeed()
        this.#wakes.delete(wake.trigger.eventId)
        this.#byTarget.remove(key, wake)
      }
    }
    if (this.#wakes.size === 0) this.#stop()
  }

  /** Stops waking for an input that was cancelled before an agent was reached. */
  abandon(eventId = ''): void {
    this.#wakes.get(eventId)?.abandon(unableTo('start the run', 'it was cancelled', ErrorCode.Cancelled))
  }

  close(): void {
    for (const wake of this.#wakes.values()) wake.stop()
    this.#stop()
  }

  #stop(): void {
    this.#stopListening?.()
    this.#stopListening = undefined
  }
}

/** The longest delay that `Retry-After` may ask for, in milliseconds. */
const longestRetryAfter = 300_000
/**
 * How long the first attempt may take, in milliseconds; the second may take twice, and later ones three times as long. A server
 * that restarts may leave a request without an answer, and a server that starts may need long for one.
 */
const attemptLimit = 10_000
const transient = new Set([408, 425, 429])

/** How an attempt went: `final` errors are not tried again, others after `after` milliseconds where that is given. */
export type Outcome = 'accepted' | { error: SessionError; final: boolean; after?: number }

/** Makes one attempt to wake an agent; `count` is 1 for the first one. */
export async function callAgent(target: AgentTarget, invocation: InvocationBody, count: number): Promise<Outcome> {
  const endpoint: AgentEndpoint | undefined =
    typeof target === 'function'
      ? undefined
      : typeof target === 'string' || target instanceof URL
        ? { url: target }
        : target
  const name = endpoint ? `the agent at ${String(endpoint.url)}` : 'the agent'
  const limit = attemptLimit * Math.min(count, 3)
  const { promise: timeout, reject } = deferred<never>()
  const abort = new AbortController()
  const timer = setTimeout(() => {
    reject(new Error(`${name} did not answer within ${limit / 1000} seconds`))
    abort.abort()
  }, limit)
  // NOTE: a Node process need not stay for it; in browsers a timer is a number
  ;(timer as { unref?: () => void }).unref?.()
  const call = async (): Promise<Outcome> => {
    if (endpoint) return post(endpoint, name, invocation, abort.signal)
    await (target as (invocation: InvocationBody) => unknown)(invocation)
    return 'accepted'
  }
  try {
    // NOTE: a function of the app may never settle
    return await Promise.race([call(), timeout])
  } catch (cause) {
    return { error: failure(reasonOf(cause), cause), final: false }
  } finally {
    clearTimeout(timer)
  }
}

async function post(
  { url, headers: given, fetch: send = fetch }: AgentEndpoint,
  name: string,
  invocation: InvocationBody,
  signal: AbortSignal,
): Promise<Outcome> {
  const headers = new Headers(typeof given === 'function' ? await given() : given)
  headers.set('content-type', 'application/json')
  const body = JSON.stringify(invocation)
  const response = await send(url, { method: 'POST', headers, body, keepalive: true, signal }).catch(
    (cause: unknown) => {
      throw new Error(`${name} cannot be reached: ${reasonOf(cause)}`, { cause })
    },
  )
  const { ok, status } = response
  if (ok) return 'accepted'
  const error = failure(`${name} ${answered(status, await response.text().catch(() => ''))}`, response)
  const after = delayIn(response.headers.get('retry-after') ?? '')
  const final = status < 500 && !transient.has(status)
  return { error, final, ...(after > 0 && { after: Math.min(after, longestRetryAfter) }) }
}

const failure = (reason: string, cause: unknown): SessionError =>
  unableTo('wake the agent', reason, ErrorCode.SendFailed, { cause })

/** `Retry-After` in milliseconds: the header has seconds, or a date. */
const delayIn = (value: string): number =>
  Number.isFinite(Number(value)) ? Number(value) * 1000 : Date.parse(value) - Date.now()
