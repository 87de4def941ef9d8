import type { SessionError } from '../core/errors'
import type { Row } from '../core/row'
import { sleep } from '../core/signals'
import { NewestPerClient } from './newest-per-client'

/** Milliseconds between two refusals for one client: a flood of cancels must not turn into a flood of refusals. */
const clientPause = 5000
/** Milliseconds between two refusals of one session, for all clients and runs. */
const sessionPause = 500
/** How many clients of a run are told at a time. */
const maxClients = 100

/** Publishes refusals of cancels: per client only the newest, one at a time, behind everything else. */
export class CancelRefusals {
  readonly #queue: NewestPerClient<Row>

  /** @param publish - publishes the refusal of a cancel, which also covers earlier cancels by the same client */
  constructor(publish: (cancel: Row) => Promise<unknown>, report: (error: SessionError) => void) {
    this.#queue = new NewestPerClient(async (cancel) => {
      await publish(cancel).catch(report)
      await sleep(clientPause)
    }, maxClients)
  }

  add(cancel: Row): void {
    this.#queue.add(cancel)
  }
}

/** The turns of a session's refusals, at a steady pace: clients without rights must not use up the connection's rate. */
export class RefusalTurns {
  #last: Promise<void> = Promise.resolve()

  /** Resolves when it is the caller's turn; at once if none was taken lately. */
  next(): Promise<void> {
    const turn = this.#last
    this.#last = turn.then(() => sleep(sessionPause))
    return turn
  }
}
