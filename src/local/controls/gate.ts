import type { Restore } from './publish-rules'

/** Who asks to connect. */
export interface Caller {
  clientId?: string
  /** The connection it wants to resume. */
  connectionId?: string
}

/** What test controls let in. */
export class Gate {
  readonly #barred = new Set<(caller: Caller) => boolean>()
  #refusals = new Set<{ left: number }>()

  /** Whether a caller may connect at all. */
  mayConnect(caller: Caller): boolean {
    return ![...this.#barred].some((isBarred) => isBarred(caller))
  }

  /** Whether a connection key may be honoured; asking counts as one of the refusals. */
  mayResume(): boolean {
    for (const refusal of this.#refusals) {
      if (--refusal.left <= 0) this.#refusals.delete(refusal)
      return false
    }
    return true
  }

  /** Keeps callers out until restored or until the time is over. */
  bar(isBarred: (caller: Caller) => boolean, ms: number): Restore {
    this.#barred.add(isBarred)
    const restore = () => void this.#barred.delete(isBarred)
    if (Number.isFinite(ms)) setTimeout(restore, ms).unref()
    return restore
  }

  /** Refuses the next so many resumes. */
  refuseResume(times: number): Restore {
    const refusal = { left: times }
    this.#refusals.add(refusal)
    return () => void this.#refusals.delete(refusal)
  }
}
