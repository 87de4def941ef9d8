import { isNetworkUp, onNetworkBack } from '../ably/network'
import { MultiMap } from '../core/collections'
import { ErrorCode, unableTo, type SessionError } from '../core/errors'
import type { Signal } from '../core/signals'
import type { WakeInfo } from '../core/run-info'
import type { RunNode } from '../core/run-node'
import { callAgent, type InvocationBody, type WakeOutcome } from './agent-call'
import type { SessionContext } from './context'
import { acceptedRun, subjectOf, type WakeTrigger } from './submission'

const firstDelay = 500
const longestBackoff = 15_000

/** Wakes the agent for one input or cancel. Network errors, 408, 425, 429 and 5xx are tried again. */
class Wake<M extends object> {
  readonly trigger: WakeTrigger
  readonly info: WakeInfo
  readonly #session: SessionContext<M>
  readonly #call: (count: number) => Promise<WakeOutcome>
  readonly #onFailed: (error: SessionError) => void
  #timer: ReturnType<typeof setTimeout> | undefined
  #isStopped = false
  #abandoned: SessionError | undefined
  #latest = 0
  /** When the agent accepted, in milliseconds since the epoch; undefined until then. */
  acceptedAt: number | undefined

  constructor(
    trigger: WakeTrigger,
    session: SessionContext<M>,
    call: (count: number) => Promise<WakeOutcome>,
    onFailed: (error: SessionError) => void,
  ) {
    this.trigger = trigger
    this.#session = session
    this.#call = call
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
    const { channel } = this.#session
    const isUp = isNetworkUp(channel)
    this.#set(isUp ? { state: 'waking', attempts: this.info.attempts + 1, error: undefined } : { state: 'waiting' })
    // NOTE: a failed wake counts as running again
    if (attempt > 1) this.#touch()
    if (!isUp) return
    const outcome = await this.#call(this.info.attempts)
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

/** The wakes of this session, by event id, until a run has accepted their input. */
export class Wakes<M extends object> {
  readonly #session: SessionContext<M>
  readonly #wakes = new Map<string, Wake<M>>()
  /** By the id of the run that the input goes into, else by the input's id. */
  readonly #byTarget = new MultiMap<Wake<M>>()
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

  /** Wakes the agent; if that was done before, again and at once. */
  wake({ eventId, inputId, runId }: WakeTrigger, onFailed: (error: SessionError) => void): WakeInfo {
    const session = this.#session
    const { agent } = session.options
    session.checkOpen('wake the agent')
    if (!agent) throw unableTo('wake the agent', 'the session has none', ErrorCode.BadRequest)
    const known = this.infoOf(eventId)
    known?.retry()
    if (known) return known
    return session.act(() => {
      const call = (count: number): Promise<WakeOutcome> => callAgent(agent, this.invocation(eventId), count)
      const wake = new Wake({ eventId, inputId, runId }, session, call, onFailed)
      this.#wakes.set(eventId, wake)
      this.#stopListening ??= onNetworkBack(session.channel, () => this.#wakes.forEach((each) => each.hurry()))
      this.#byTarget.add(runId ?? inputId, wake)
      this.#changed.trigger()
      session.touch(subjectOf(session.tree, wake.trigger))
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
