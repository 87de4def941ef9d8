import { isNetworkUp, onNetworkBack } from '../ably/network'
import { MultiMap } from '../core/collections'
import { answered, badRequest, ErrorCode, reasonOf, unableTo, type SessionError } from '../core/errors'
import { resolvesWithin, type Signal } from '../core/signals'
import type { WakeInfo } from '../core/run-info'
import type { RunNode } from '../core/run-node'
import type { AgentEndpoint, AgentTarget, InvocationBody, SessionContext } from './context'
import { acceptedRun, subjectOf, targetOf, type Trigger } from './submission'

const firstDelay = 500
const longestBackoff = 15_000
/** The longest delay that `Retry-After` may ask for, in milliseconds. */
const longestRetryAfter = 300_000
/**
 * How long the first attempt may take, in milliseconds; the second may take twice, and later ones three times as long.
 * A server that restarts may leave a request without an answer, and a server that starts may need long for one.
 */
const attemptLimit = 10_000

/** Wakes the agent for one input or cancel. Network errors, 408, 425, 429 and 5xx are tried again. */
class Wake<M extends object> {
  readonly trigger: Trigger
  readonly info: WakeInfo
  readonly #session: SessionContext<M>
  readonly #onFailed: (error: SessionError) => void
  #timer: ReturnType<typeof setTimeout> | undefined
  #isStopped = false
  #abandoned: SessionError | undefined
  #latest = 0
  /** When the agent accepted, in milliseconds since the epoch; undefined until then. */
  acceptedAt: number | undefined

  constructor(trigger: Trigger, session: SessionContext<M>, onFailed: (error: SessionError) => void) {
    this.trigger = trigger
    this.#session = session
    this.#onFailed = onFailed
    this.info = session.port.observe<WakeInfo>({ state: 'waking', attempts: 0, retry: () => this.#retry() })
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
    this.#session.act(() => {
      this.#set({ error, state: 'failed' })
      this.#onFailed(error)
      this.#touch()
    })
  }

  #retry(): void {
    clearTimeout(this.#timer)
    this.#abandoned = undefined
    if (!this.#isStopped) void this.#attempt()
  }

  async #attempt(): Promise<void> {
    const attempt = ++this.#latest
    this.acceptedAt = undefined
    const { channel, options } = this.#session
    const isUp = isNetworkUp(channel)
    this.#set(isUp ? { state: 'waking', attempts: this.info.attempts + 1, error: undefined } : { state: 'waiting' })
    // NOTE: a failed wake counts as running again
    if (attempt > 1) this.#touch()
    if (!isUp) return
    const invocation = invocationOf(this.#session, this.trigger.eventId)
    const outcome = await callAgent(options.agent!, invocation, this.info.attempts)
    if (this.#isStopped || attempt !== this.#latest) return
    if (outcome === 'accepted') {
      this.acceptedAt = Date.now()
      this.#set({ state: 'accepted' })
      return this.#touch()
    }
    const { error, final, after = backoff(this.info.attempts) } = outcome
    if (this.#abandoned) return this.#fail(this.#abandoned)
    if (final) return this.#fail(error)
    const canRetry = isNetworkUp(channel)
    this.#set({ error, state: canRetry ? 'retrying' : 'waiting' })
    if (canRetry) this.#timer = setTimeout(() => void this.#attempt(), after)
  }

  #set(change: Partial<WakeInfo>): void {
    Object.assign(this.info, change)
  }

  #touch(): void {
    this.#session.act(() => this.#session.touch(subjectOf(this.#session.tree, this.trigger)))
  }
}

/** Doubling delay with jitter, so that many clients do not return at the same moment. */
function backoff(attempts: number): number {
  const delay = Math.min(firstDelay * 2 ** (attempts - 1), longestBackoff)
  return delay * (0.5 + Math.random() / 2)
}

/** The wakes of this session, by target, until a run has accepted their input. */
export class Wakes<M extends object> {
  readonly #session: SessionContext<M>
  readonly #wakes = new MultiMap<Wake<M>>()
  readonly #changed: Signal
  #stopListening: (() => void) | undefined

  constructor(session: SessionContext<M>) {
    this.#session = session
    this.#changed = session.port.signal()
  }

  /** The wake for an input or a cancel. */
  of(trigger: Trigger): Wake<M> | undefined {
    this.#changed.track()
    return this.#wakes.of(targetOf(trigger)).find((wake) => wake.trigger.eventId === trigger.eventId)
  }

  /** Wakes the agent; if that was done before, again and at once. */
  wake({ eventId, inputId, runId }: Trigger, onFailed: (error: SessionError) => void): WakeInfo {
    const session = this.#session
    session.checkOpen('wake the agent')
    if (!session.options.agent) throw badRequest('wake the agent', 'the session has none')
    const trigger = { eventId, inputId, runId }
    const known = this.of(trigger)?.info
    known?.retry()
    if (known) return known
    return session.act(() => {
      const wake = new Wake(trigger, session, onFailed)
      this.#wakes.add(targetOf(trigger), wake)
      this.#stopListening ??= onNetworkBack(session.channel, () => this.#wakes.values().forEach((each) => each.hurry()))
      this.#changed.trigger()
      session.touch(subjectOf(session.tree, trigger))
      return wake.info
    })
  }

  /** Stops the wakes whose input the run has accepted. */
  apply(run: RunNode<M>): void {
    if (this.#wakes.size === 0) return
    for (const target of [run.key, run.inputId ?? '']) {
      for (const wake of this.#wakes.of(target).slice()) {
        if (!acceptedRun(this.#session.tree, wake.trigger)) continue
        wake.succeed()
        this.#wakes.remove(target, wake)
      }
    }
    if (this.#wakes.size === 0) this.#stop()
  }

  /** Stops waking for an input that was cancelled before an agent was reached. */
  abandon(trigger: Trigger): void {
    this.of(trigger)?.abandon(unableTo('start the run', 'it was cancelled', ErrorCode.Cancelled))
  }

  /** Whether an agent is being woken, or the next attempt is due. */
  get areUnderWay(): boolean {
    return this.#wakes.values().some(({ info: { state } }) => state !== 'accepted' && state !== 'failed')
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

/** The body of the request that wakes an agent with an event. */
export const invocationOf = <M extends object>(
  { channel }: SessionContext<M>,
  inputEventId: string,
): InvocationBody => ({
  inputEventId,
  sessionName: channel.name,
})

const transient = new Set([408, 425, 429])

/** How an attempt went: `final` errors are not tried again, others after `after` milliseconds where that is given. */
type WakeOutcome = 'accepted' | { error: SessionError; final: boolean; after?: number }

/** Makes one attempt to wake an agent; `count` is 1 for the first one. */
export async function callAgent(target: AgentTarget, invocation: InvocationBody, count: number): Promise<WakeOutcome> {
  const endpoint: AgentEndpoint | undefined =
    typeof target === 'function'
      ? undefined
      : typeof target === 'string' || target instanceof URL
        ? { url: target }
        : target
  const name = endpoint ? `the agent at ${String(endpoint.url)}` : 'the agent'
  const limit = attemptLimit * Math.min(count, 3)
  const abort = new AbortController()
  const call = async (): Promise<WakeOutcome> => {
    if (endpoint) return post(endpoint, name, invocation, abort.signal)
    await (target as (invocation: InvocationBody) => unknown)(invocation)
    return 'accepted'
  }
  try {
    const outcome = call()
    // NOTE: a function of the app may never settle
    if (await resolvesWithin(outcome, limit, true)) return await outcome
    abort.abort()
    throw new Error(`${name} did not answer within ${limit / 1000} seconds`)
  } catch (cause) {
    return { error: failure(reasonOf(cause), cause), final: false }
  }
}

async function post(
  { url, headers: given, fetch: send = fetch }: AgentEndpoint,
  name: string,
  invocation: InvocationBody,
  signal: AbortSignal,
): Promise<WakeOutcome> {
  const headers = new Headers(typeof given === 'function' ? await given() : given)
  headers.set('content-type', 'application/json')
  const body = JSON.stringify(invocation)
  const response = await send(url, { method: 'POST', headers, body, keepalive: true, signal }).catch(
    (cause: unknown) => {
      throw new Error(`${name} cannot be reached: ${reasonOf(cause)}`, { cause })
    },
  )
  const { ok, status } = response
  // NOTE: read in any case, because Node keeps a connection busy with an unread body
  const text = response.text().catch(() => '')
  // NOTE: a server that gives its app or its sign-in for unknown paths answers 200, and wakes no agent
  const isPage = /html/.test(response.headers.get('content-type') ?? '') && /^\s*</.test(await text)
  if (ok && !isPage) return 'accepted'
  const words = await text
  // NOTE: an agent's own 404 has a code
  const fix =
    (ok || status === 404) && !words.includes('"code"')
      ? '. Compare `agent` of createAITransport() with the route of the agent'
      : ''
  const error = failure(`${name} ${answered(status, words)}${fix}`, response)
  const after = delayIn(response.headers.get('retry-after') ?? '')
  const final = status < 500 && !transient.has(status)
  return { error, final, ...(after > 0 && { after: Math.min(after, longestRetryAfter) }) }
}

const failure = (reason: string, cause: unknown): SessionError =>
  unableTo('wake the agent', reason, ErrorCode.SendFailed, { cause })

/** `Retry-After` in milliseconds: the header has seconds, or a date. */
const delayIn = (value: string): number => Number(value) * 1000 || Date.parse(value) - Date.now()
