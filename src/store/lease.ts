import type { AppMessage } from './app-message'
import type { Pinia } from 'pinia'
import type { ClientSession } from '../session/client-session'
import { sessionStore, type SessionStore } from './session-store'
import type { ViewVerbs } from './verbs'

/** A session in use, until it is released. Releasing twice does nothing. */
export interface Lease<M extends object = AppMessage> {
  readonly session: ClientSession<M>
  /** The session's Pinia store. */
  readonly store: ViewVerbs<M>
  /** The present promise that the session is attached and the first page that was asked for is shown. */
  readonly ready: Promise<void>
  /** Asks for at least this many messages to be shown at first; without it there are 30. */
  want(limit: number): void
  release(): void
}

/** How many messages a session shows at first when nobody says how many. */
const firstPage = 30

/** Attaches a session for its first user and detaches it some time after the last. */
export class LeasedSession {
  readonly #leases = new Set<Lease>()
  readonly #store: SessionStore
  #ready: Promise<void> | undefined
  #wanted: number | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  #stopWaiting: (() => void) | undefined
  #ended: Promise<void> | undefined

  constructor(
    name: string,
    private readonly session: ClientSession<AppMessage>,
    private readonly pinia: Pinia,
    private readonly linger: number,
    private readonly onEnd: () => void,
  ) {
    this.#store = sessionStore(name, session)(pinia)
    // Whoever comes next gets a session that lives, also when somebody closed this one
    session.on('status', (status) => status === 'closed' && void this.end())
  }

  lease(): Lease {
    clearTimeout(this.#timer)
    const start = (): Promise<void> => this.#start()
    const lease: Lease = {
      get ready() {
        return start()
      },
      session: this.session,
      store: this.#store,
      want: (limit) => this.#want(limit),
      release: () => this.#release(lease),
    }
    this.#leases.add(lease)
    void start()
    return lease
  }

  get isRefused(): boolean {
    return this.session.status === 'failed'
  }

  /** Attaches again what was refused, and shows the first page then. */
  retry(): void {
    void this.#start()
    if (!this.session.isIdle) this.session.connect().catch(() => undefined)
  }

  /** Closes the session at once; it may be asked to more than once. */
  end(): Promise<void> {
    return (this.#ended ??= this.#end())
  }

  async #end(): Promise<void> {
    clearTimeout(this.#timer)
    this.onEnd()
    const { $id } = this.#store
    this.#store.$dispose()
    delete this.pinia.state.value[$id]
    await this.session.close()
  }

  #start(): Promise<void> {
    if (this.session.isIdle) return Promise.resolve()
    if (!this.#ready) {
      const ready = (this.#ready = this.#connect())
      // Who awaits it is told; the next one to come tries again, and so does the session when that may help
      ready.catch(() => {
        if (this.#ready !== ready) return
        this.#ready = undefined
        this.#stopWaiting ??= this.session.on('status', (status) => status === 'ready' && this.#isBack())
      })
    }
    return this.#ready
  }

  #isBack(): void {
    this.#stopWaiting?.()
    this.#stopWaiting = undefined
    this.retry()
  }

  async #connect(): Promise<void> {
    await this.session.connect()
    await this.session.view.fill(this.#wanted ?? firstPage)
  }

  #want(limit: number): void {
    if (limit <= (this.#wanted ?? 0)) return
    this.#wanted = limit
    this.#ready = undefined
    void this.#start()
  }

  #release(lease: Lease): void {
    if (!this.#leases.delete(lease) || this.#leases.size > 0 || this.#ended) return
    if (this.linger <= 0 || this.session.isIdle) void this.end()
    else this.#timer = setTimeout(() => void this.end(), this.linger)
  }
}
