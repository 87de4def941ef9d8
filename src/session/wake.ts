import { Network } from '../ably/network'
import { MultiMap } from '../core/collections'
import { ErrorCode, unableTo, type SessionError } from '../core/errors'
import type { ReactivePort, Signal } from '../core/signals'
import type { WakeInfo } from '../core/run-info'
import type { RunNode } from '../core/run-node'
import { callAgent, type InvocationBody, type Outcome } from './agent-endpoint'
import type { SessionContext } from './context'
import { acceptedRun, subjectOf, type WakeTrigger } from './submission'

const firstDelay = 500
const longestBackoff = 15_000

/** Wakes the agent for one input or cancel. Network errors, 408, 425, 429 and 5xx are tried again. */
class Wake {
  readonly trigger: WakeTrigger
  readonly info: WakeInfo
  readonly #attemptOnce: (count: number) => Promise<Outcome>
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
    attemptOnce: (count: number) => Promise<Outcome>,
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
      const attempt = (count: number): Promise<Outcome> => callAgent(agent, this.invocation(eventId), count)
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
    if (this.#byTarget.size === 0) return
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
