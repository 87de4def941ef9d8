import { ErrorCode, SessionError } from '../core/errors'
import type { Signal } from '../core/port'
import type { RunNode } from '../core/run-node'
import { Network } from './network'
import type { Shared } from './shared'
import { runTakenUp, type Trigger } from './trigger'
import { Wake, type InvocationBody, type WakeInfo } from './wake'

/** What an agent is to be woken for. */
export type WakeTrigger = Trigger & { readonly eventId: string }

/** The attempts of this session to wake the agent, by the event that it is woken with, until a run has taken that up. */
export class Wakes<M extends object> {
  readonly #wakes = new Map<string, { trigger: Trigger; wake: Wake }>()
  readonly #changed: Signal
  readonly #network: Network

  constructor(private readonly shared: Shared<M>) {
    this.#changed = shared.port.signal()
    this.#network = new Network(shared.channel)
  }

  /** How waking for this event fares. */
  infoOf(eventId: string): WakeInfo | undefined {
    this.#changed.track()
    return this.#wakes.get(eventId)?.wake.info
  }

  /** When the agent has accepted to run; undefined while it is being woken. */
  acceptedAt(eventId: string): number | undefined {
    return this.#wakes.get(eventId)?.wake.acceptedAt
  }

  invocation(eventId: string): InvocationBody {
    return { inputEventId: eventId, sessionName: this.shared.channel.name }
  }

  /** Wakes the agent, again if that was done before. */
  wake({ eventId, inputId, runId }: WakeTrigger, onFailed: (error: SessionError) => void): WakeInfo {
    const { agent, port, refresh, checkOpen } = this.shared
    checkOpen()
    if (!agent) throw new SessionError('unable to wake the agent; the session has none', ErrorCode.BadRequest)
    const known = this.infoOf(eventId)
    known?.retry()
    if (known) return known
    const settled = (error?: SessionError): void => {
      if (error) onFailed(error)
      refresh()
    }
    const wake = new Wake(agent, this.invocation(eventId), { port, network: this.#network, settled })
    this.#wakes.set(eventId, { trigger: { eventId, inputId, runId }, wake })
    this.#changed.trigger()
    refresh()
    return wake.info
  }

  /** Stops waking for what a run has taken up. */
  follow(run: RunNode<M>): void {
    for (const [eventId, { trigger, wake }] of this.#wakes) {
      if (run.key !== trigger.runId && run.inputId !== trigger.inputId) continue
      if (!runTakenUp(this.shared.tree, trigger)) continue
      wake.succeed()
      this.#wakes.delete(eventId)
    }
  }

  /** Wakes no longer for a prompt that was cancelled before an agent could be reached. */
  giveUp(eventId = ''): void {
    const error = new SessionError('unable to start the run; it was cancelled', ErrorCode.Cancelled)
    this.#wakes.get(eventId)?.wake.giveUp(error)
  }

  close(): void {
    for (const { wake } of this.#wakes.values()) wake.stop()
  }
}
