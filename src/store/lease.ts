import type { Pinia } from 'pinia'
import { LingeringLease } from '../core/lease'
import type { ClientSession } from '../session/client-session'
import type { AppMessage } from './app-message'
import { sessionStore, type SessionStore } from './session-store'
import type { ViewVerbs } from './verbs'

/** A session in use, until it is released. Releasing twice does nothing. */
export interface Lease<M extends object = AppMessage> {
  readonly session: ClientSession<M>
  /** The session's Pinia store. */
  readonly store: ViewVerbs<M>
  /** Resolves when the session is attached and its first page is shown; after a failure, a new promise. */
  readonly ready: Promise<void>
  /** Asks for at least this many messages on the first page, which has 30 by default. */
  want(limit: number): void
  release(): void
}

const firstPage = 30

/** Attaches a session for its first user and detaches it some time after its last user. */
export class LeasedSession {
  readonly #session: ClientSession<AppMessage>
  readonly #pinia: Pinia
  readonly #linger: number
  readonly #onEnd: () => void
  readonly #store: SessionStore
  readonly #users = new LingeringLease(() => this.#endWhenSent())
  #ready: Promise<void> | undefined
  #wanted: number | undefined
  #stopWaiting: (() => void) | undefined
  #ended: Promise<void> | undefined

  /** @param linger - How long the session stays after its last user, in milliseconds. */
  constructor(name: string, session: ClientSession<AppMessage>, pinia: Pinia, linger: number, onEnd: () => void) {
    this.#session = session
    this.#pinia = pinia
    this.#linger = session.isIdle ? 0 : linger
    this.#onEnd = onEnd
    this.#store = sessionStore(name, session)(pinia)
    // When the app has closed the session, its next user gets a new one
    session.on('status', (status) => status === 'closed' && void this.end())
  }

  lease(): Lease {
    const release = this.#users.acquire()
    const start = (): Promise<void> => this.#start()
    void start()
    return {
      get ready() {
        return start()
      },
      session: this.#session,
      store: this.#store,
      want: (limit) => this.#want(limit),
      release: () => release(this.#linger),
    }
  }

  get isRefused(): boolean {
    return this.#session.status === 'failed'
  }

  /** Attaches a channel again that was refused, and shows the first page then. */
  retry(): void {
    void this.#start()
    if (!this.#session.isIdle) this.#session.connect().catch(() => undefined)
  }

  /** Closes the session at once; calls after the first one do nothing. */
  end(): Promise<void> {
    return (this.#ended ??= this.#end())
  }

  async #end(): Promise<void> {
    this.#users.cancel()
    this.#onEnd()
    const { $id } = this.#store
    this.#store.$dispose()
    delete this.#pinia.state.value[$id]
    await this.#session.close()
  }

  /** Ends an unused session once the channel has accepted or refused its unsent prompts. */
  #endWhenSent(): void {
    const { unsent } = this.#session
    if (unsent) void unsent.then(() => this.#users.isIdle && this.#endWhenSent())
    else void this.end()
  }

  #start(): Promise<void> {
    if (this.#session.isIdle) return Promise.resolve()
    if (!this.#ready) {
      const ready = (this.#ready = this.#connect())
      // The next user tries again, and so does the session when that may help
      ready.catch(() => {
        if (this.#ready !== ready) return
        this.#ready = undefined
        this.#stopWaiting ??= this.#session.on('status', (status) => status === 'ready' && this.#recover())
      })
    }
    return this.#ready
  }

  #recover(): void {
    this.#stopWaiting?.()
    this.#stopWaiting = undefined
    this.retry()
  }

  async #connect(): Promise<void> {
    await this.#session.connect()
    await this.#session.view.fill(this.#wanted ?? firstPage)
  }

  #want(limit: number): void {
    if (limit <= (this.#wanted ?? 0)) return
    this.#wanted = limit
    this.#ready = undefined
    void this.#start()
  }
}
