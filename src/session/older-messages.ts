import type { PathSegment } from '../core/branch'
import { ErrorCode, SessionError } from '../core/errors'
import type { Signal } from '../core/port'
import type { ViewMessage } from '../core/view-message'
import type { ViewHost } from './view-host'
import type { ViewWindow } from './view-window'

/** What is shown by the view that older messages are brought into. */
interface Shown<M extends object> {
  path(): readonly PathSegment<M>[]
  prepare(): Promise<void>
  readonly messages: readonly ViewMessage<M>[]
}

/** Brings older messages into a view, one load at a time. */
export class OlderMessages<M extends object> {
  readonly #changed: Signal
  #loading: Promise<number> | undefined

  constructor(
    private readonly host: ViewHost<M>,
    private readonly window: ViewWindow<M>,
    private readonly shown: Shown<M>,
  ) {
    this.#changed = host.port.signal()
  }

  get isLoading(): boolean {
    this.#changed.track()
    return this.#loading !== undefined
  }

  async load(count: number): Promise<readonly ViewMessage<M>[]> {
    if (!Number.isInteger(count) || count < 1) {
      throw new SessionError(
        `unable to load older messages; count must be a positive integer, not ${count}`,
        ErrorCode.BadRequest,
      )
    }
    if (this.#loading) return []
    return this.#show(async () => {
      await this.#readBack(count)
      await this.shown.prepare()
      return this.#reveal(count)
    })
  }

  /** Shows so many messages, if there are; waits for a load that is running. */
  async fill(count: number): Promise<void> {
    while (this.#loading) await this.#loading.catch(() => undefined)
    const missing = count - this.shown.messages.length
    if (missing > 0 && (this.window.hasHidden || this.host.history.hasOlder)) await this.load(missing)
  }

  async loadUntil(predicate: (message: M) => boolean, signal?: AbortSignal): Promise<readonly ViewMessage<M>[]> {
    while (this.#loading) await this.#loading.catch(() => undefined)
    return this.#show(async () => {
      signal?.throwIfAborted()
      for (let hasMore = true; ; hasMore = await this.#readMore(signal)) {
        await this.shown.prepare()
        const newer = this.window.hiddenNewerThan(this.shown.path(), predicate)
        if (newer !== undefined || !hasMore) return this.#reveal(newer ?? Infinity)
      }
    })
  }

  /** Reads pages of history until so many messages are hidden, or there are no more pages. */
  async #readBack(count: number): Promise<void> {
    const { tree, history } = this.host
    const missing = async (): Promise<number> => {
      await this.shown.prepare()
      return count - this.window.hiddenCount(this.shown.path())
    }
    for (let wanted = await missing(); wanted > 0; wanted = await missing()) {
      // NOTE: the path is walked again when enough may have come; walked for each page, it would cost more with each
      const enough = tree.messageCount + wanted
      while (tree.messageCount < enough) if (!(await history.loadPage())) return
    }
  }

  async #reveal(count: number): Promise<number> {
    const revealed = this.window.reveal(this.shown.path(), count)
    await this.window.prepare(this.shown.path())
    return revealed
  }

  /** Reads so much of history that it is worth looking again; false when there is no more. */
  async #readMore(signal: AbortSignal | undefined): Promise<boolean> {
    const { tree, history } = this.host
    const enough = tree.messageCount * 1.25
    do {
      signal?.throwIfAborted()
      if (!(await history.loadPage())) return false
    } while (tree.messageCount <= enough)
    return true
  }

  /** What `read` has revealed stands at the beginning of the list. */
  async #show(read: () => Promise<number>): Promise<readonly ViewMessage<M>[]> {
    this.#loading = read()
    this.#changed.trigger()
    let revealed = 0
    try {
      revealed = await this.#loading
    } finally {
      this.#loading = undefined
      this.host.loaded()
      this.#changed.trigger()
    }
    return this.shown.messages.slice(0, revealed)
  }
}
