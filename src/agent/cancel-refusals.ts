import type { SessionError } from '../core/errors'
import { deferred, sleep, type Deferred } from '../core/signals'
import { NewestPerClient } from './newest-per-client'

/** Milliseconds between two refusals of one run for one client: a flood of cancels must not turn into a flood of refusals. */
const clientPause = 5000
/** Milliseconds between two refusals of one session, for all clients and runs. */
const sessionPause = 500
/** How many clients of a run are told at a time. */
const maxClients = 100

/** The refusal of a cancel, which also covers earlier cancels by the same client. */
export interface Refusal {
  readonly clientId: string | undefined
  /** Whether it is still to be published: not after the end of the run. */
  isDue(): boolean | Promise<boolean>
  publish(): Promise<unknown>
}

type Queued = Refusal & Deferred<void>

/** Publishes a session's refusals of cancels at a steady pace: of each run and client only the newest. */
export class CancelRefusals {
  readonly #report: (error: SessionError) => void
  readonly #queues = new WeakMap<object, NewestPerClient<Queued>>()
  #turn: Promise<void> = Promise.resolve()

  constructor(report: (error: SessionError) => void) {
    this.#report = report
  }

  /**
   * Resolves when the refusal is published, or need not be.
   *
   * @param run - identifies the run
   */
  add(run: object, refusal: Refusal): Promise<void> {
    let queue = this.#queues.get(run)
    if (!queue) this.#queues.set(run, (queue = new NewestPerClient((each) => this.#handle(each), maxClients)))
    const queued = { ...refusal, ...deferred() }
    queue.add(queued)?.resolve()
    return queued.promise
  }

  async #handle(queued: Queued): Promise<void> {
    const isPublished = await this.#publish(queued)
    queued.resolve()
    if (isPublished) await sleep(clientPause)
  }

  async #publish(refusal: Refusal): Promise<boolean> {
    if (!(await refusal.isDue())) return false
    const turn = this.#turn
    this.#turn = turn.then(() => sleep(sessionPause))
    await turn
    if (!(await refusal.isDue())) return false
    await refusal.publish().catch(this.#report)
    return true
  }
}
