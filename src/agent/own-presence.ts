import type { RealtimeChannel } from 'ably'
import { sleep } from '../core/signals'
import type { WritablePresence } from '../ably/writable-channel'
import { isPassing } from '../ably/publish-error'
import { ErrorCode, toSessionError, type SessionError } from '../core/errors'
import type { SessionPacer } from './pacer'

// In milliseconds
const firstDelay = 1000
const longestDelay = 30_000

interface NamedRun {
  readonly runId: string
}

/**
 * Names the live runs of this process in its presence on the channel, so that clients and other agents can tell a
 * silent run from one whose agent is gone. Costs one presence message per start and end of a run, at most.
 */
export class OwnPresence {
  readonly #presence: WritablePresence
  readonly #pacer: SessionPacer
  readonly #report: (error: SessionError) => void
  // NOTE: objects, since a resumed run takes the place of the one that was suspended in this process
  readonly #runs = new Set<NamedRun>()
  #published: readonly string[] = []
  #isPublishing = false
  #isRefused = false

  constructor(presence: WritablePresence, pacer: SessionPacer, report: (error: SessionError) => void) {
    this.#presence = presence
    this.#pacer = pacer
    this.#report = report
  }

  /** Whether this agent may enter presence; a run says so in its start. */
  get isPossible(): boolean {
    return !this.#isRefused && this.#presence.canEnter
  }

  /** Names a run; called before its start is published, on the same connection. */
  add(run: NamedRun): void {
    if (!this.isPossible) return
    this.#runs.add(run)
    this.#update()
  }

  delete(run: NamedRun): void {
    if (this.#runs.delete(run)) this.#update()
  }

  #update(): void {
    if (!this.#isPublishing) void this.#publish()
  }

  /** Each id once: two wakes for one run can overlap. */
  get #runIds(): ReadonlySet<string> {
    return new Set([...this.#runs].map(({ runId }) => runId))
  }

  get #isOutdated(): boolean {
    const runIds = this.#runIds
    return this.#published.length !== runIds.size || this.#published.some((id) => !runIds.has(id))
  }

  async #publish(): Promise<void> {
    this.#isPublishing = true
    for (let delay = firstDelay; this.#isOutdated && !this.#isRefused;) {
      // NOTE: detaching leaves presence
      if (!this.#presence.isPresent) {
        this.#published = []
        break
      }
      try {
        await this.#publishOnce()
        delay = firstDelay
      } catch (cause) {
        // NOTE: while the network is away, or the channel detaches, presence fails without harm
        this.#isRefused = !isPassing(cause)
        if (this.#isRefused) this.#report(toSessionError('enter presence', ErrorCode.LifecyclePublishFailed, cause))
        await sleep(delay)
        delay = Math.min(delay * 2, longestDelay)
      }
    }
    this.#isPublishing = false
  }

  async #publishOnce(): Promise<void> {
    const runIds = [...this.#runIds]
    await new Promise<void>((resolve, reject) => {
      this.#pacer.add('urgent', () => {
        this.#presence.publish(runIds).then(resolve, reject)
      })
    })
    this.#published = runIds
  }
}

const liveRuns = new WeakMap<RealtimeChannel, OwnPresence>()

/** The live runs of this process on a client's channel: its sessions share one entry in presence. */
export function ownPresenceOf(
  presence: WritablePresence,
  pacer: SessionPacer,
  report: (error: SessionError) => void,
): OwnPresence {
  const known = liveRuns.get(presence.channel)
  if (known) return known
  const created = new OwnPresence(presence, pacer, report)
  liveRuns.set(presence.channel, created)
  return created
}
