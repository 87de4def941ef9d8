import type { SessionError } from '../core/errors'
import type { Row } from '../core/rows'
import { deferred, sleep, type Deferred } from '../core/signals'

interface FromClient {
  /** Verified by Ably; undefined for clients without an identity. */
  readonly clientId: string | undefined
}

/** Handles items one at a time for each client. Of the items that wait, only the newest counts: a flood costs one. */
export class NewestPerClient<Item extends FromClient> {
  readonly #handle: (item: Item) => Promise<void>
  readonly #limit: number
  /**
   * The clients that have an item in work. The value is the item that waits behind it; undefined while no item waits.
   */
  readonly #newest = new Map<string | undefined, Item | undefined>()

  /**
   * @param handle - must not reject; the next item of the client waits for it
   * @param limit - how many clients may have items at a time: a key may publish under any client id
   */
  constructor(handle: (item: Item) => Promise<void>, limit = Infinity) {
    this.#handle = handle
    this.#limit = limit
  }

  /**
   * @returns the item that is not handled: the one of the same client that waited, or this one above the limit of
   * clients
   */
  add(item: Item): Item | undefined {
    const { clientId } = item
    const isBusy = this.#newest.has(clientId)
    if (!isBusy && this.#newest.size >= this.#limit) return item
    const replaced = this.#newest.get(clientId)
    this.#newest.set(clientId, item)
    if (!isBusy) void this.#handleAll(clientId)
    return replaced
  }

  async #handleAll(clientId: string | undefined): Promise<void> {
    for (let item = this.#newest.get(clientId); item; item = this.#newest.get(clientId)) {
      this.#newest.set(clientId, undefined)
      await this.#handle(item)
    }
    this.#newest.delete(clientId)
  }
}

/** Decides on all cancels together, because a decision may be slow; resolves with the first that is accepted. */
export function firstAccepted(
  cancels: readonly Row[],
  accepts: (cancel: Row) => Promise<boolean>,
): Promise<Row | undefined> {
  return new Promise((resolve) => {
    const decide = async (cancel: Row): Promise<void> => {
      if (await accepts(cancel)) resolve(cancel)
    }
    void Promise.all(cancels.map(decide)).then(() => resolve(undefined))
  })
}

/** How many cancels of one client a hook may refuse before it is asked more slowly. */
const quickDecisions = 5
/** Milliseconds between two further decisions on the cancels of one client. */
const decisionPause = 1000

interface UndecidedCancel {
  readonly clientId: string | undefined
  readonly cancel: Row
  readonly settle: (isAccepted: boolean) => void
}

/**
 * Asks a hook about cancels, which may be slow: for each client one at a time, and only about the newest that waits.
 */
export class Decisions {
  readonly #ask: (cancel: Row) => Promise<boolean>
  readonly #refused = new Map<string | undefined, number>()
  readonly #queue = new NewestPerClient<UndecidedCancel>((decision) => this.#decide(decision))

  constructor(ask: (cancel: Row) => Promise<boolean>) {
    this.#ask = ask
  }

  /** Whether the hook accepts a cancel; false also if a newer one of the same client takes its place. */
  on(cancel: Row): Promise<boolean> {
    return new Promise((settle) => {
      this.#queue.add({ clientId: cancel.clientId, cancel, settle })?.settle(false)
    })
  }

  async #decide({ clientId, cancel, settle }: UndecidedCancel): Promise<void> {
    const isAccepted = await this.#ask(cancel)
    settle(isAccepted)
    if (isAccepted) return
    const refused = (this.#refused.get(clientId) ?? 0) + 1
    this.#refused.set(clientId, refused)
    if (refused >= quickDecisions) await sleep(decisionPause)
  }
}

/**
 * Milliseconds between two refusals of one run for one client: a flood of cancels must not turn into a flood of
 * refusals.
 */
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
