import type { Pinia } from 'pinia'
import { markRaw, toRaw } from 'vue'
import { inTime } from '../ably/history-page'
import { SessionError } from '../core/errors'
import { LingeringLease } from '../core/lease'
import type { ClientSession } from '../session/client-session'
import type { DehydratedSession } from '../session/context'
import { dehydrateSession } from '../session/client-session'
import type { AppMessage } from './app-message'
import { openSessionStore, type SessionFacts, type SessionStore } from './session-store'
import type { ViewVerbs } from './verbs'

/** A session in use, until it is released. Releasing twice does nothing. */
export interface Lease<M extends object = AppMessage> {
  readonly session: ClientSession<M>
  /** The session as the server has rendered it; undefined where the server has rendered nothing of it. */
  served(): ClientSession<M> | undefined
  /** The session's Pinia store. */
  readonly store: ViewVerbs<M>
  /**
   * Resolves when the session is attached and its first page is shown, on a server when that page is read or has
   * failed; after a failure in a browser, a new promise.
   */
  ready(): Promise<void>
  /** Asks for at least this many messages on the first page, which has 30 by default. */
  want(limit: number): void
  release(): void
}

const firstPage = 30
/** Milliseconds to wait for prompts that are on their way: the network may go meanwhile. */
const sendLimit = 5000
/** Pages of history that a server reads at most. */
const maxServerPages = 3

/** The rows and the error of a session that the server's HTML shows. */
export interface Rendered {
  readonly rows?: DehydratedSession
  readonly failure?: SessionFacts['error']
}

/** The surroundings of a leased session. */
interface LeaseOptions {
  readonly pinia: Pinia
  /** How long the session stays after its last user, in milliseconds. */
  readonly linger: number
  /** Rows to begin with; those of the Pinia state come first. */
  readonly rows?: DehydratedSession
  /** The state of the server's HTML, if an earlier lease has taken it from the Pinia state. */
  readonly rendered?: Rendered
  /** Makes the same session without a client. */
  openIdle(): ClientSession<AppMessage>
  onEnd(): void
}

/** Attaches a session for its first user and detaches it some time after its last user. */
export class LeasedSession {
  readonly #session: ClientSession<AppMessage>
  readonly #options: LeaseOptions
  readonly #store: SessionStore
  readonly #users = new LingeringLease(() => void this.#endWhenSent())
  #ready: Promise<void> | undefined
  #wanted: number | undefined
  /** The state of the server's HTML, for components that are yet to hydrate. */
  readonly rendered: Rendered | undefined
  readonly #isResumed: boolean
  #served: ClientSession<AppMessage> | undefined
  #page: Promise<void> | undefined
  #stopWaiting: (() => void) | undefined
  #ended: Promise<void> | undefined

  constructor(name: string, session: ClientSession<AppMessage>, options: LeaseOptions) {
    this.#session = session
    this.#options = options
    this.#store = openSessionStore(name, session, options.pinia)
    const { facts, rows } = this.#store
    // NOTE: state of a page that an older version has rendered has no rows
    const own = toRaw(rows ?? [])[0] ?? options.rows
    this.rendered = own || facts.error ? { rows: own, failure: facts.error } : options.rendered
    this.#isResumed = !!own
    if (own) session.resume(own)
    if (rows?.length) this.#store.rows = markRaw([])
    // When the app has closed the session, its next user gets a new one
    session.on('status', (status) => status === 'closed' && void this.end())
  }

  lease(): Lease {
    const release = this.#users.acquire()
    this.#inside.waits.review()
    // NOTE: a server reads a session when the page waits for it, so that all of the page is rendered from the same
    // state
    if (!this.#inside.hasNoClient) void this.#start()
    return {
      ready: () => this.#start(),
      served: () => this.#serve(),
      session: this.#session,
      store: this.#store,
      want: (limit) => this.#want(limit),
      release: () => release(this.#inside.hasNoClient ? 0 : this.#options.linger),
    }
  }

  get #inside(): ClientSession<AppMessage>['internals'] {
    return this.#session.internals
  }

  get isRefused(): boolean {
    return this.#session.status === 'failed'
  }

  /** Attaches a channel again that was refused, and shows the first page then. */
  retry(): void {
    void this.#start()
    if (!this.#inside.hasNoClient) this.#session.connect().catch(() => undefined)
  }

  /**
   * Closes the session; calls after the first one do nothing.
   *
   * @param canSend - whether it first publishes the prompts that are on their way, if there is a network
   */
  end(canSend = false): Promise<void> {
    return (this.#ended ??= this.#end(canSend))
  }

  async #end(canSend: boolean): Promise<void> {
    const { channel, waits } = this.#inside
    this.#users.cancel()
    this.#options.onEnd()
    const { $id } = this.#store
    this.#store.$dispose()
    delete this.#options.pinia.state.value[$id]
    if (canSend && waits.isSending) await waits.until(() => !waits.isSending || !channel.isConnected, sendLimit)
    await this.#session.close()
  }

  /** Ends an unused session: at once, or when its prompts and Stops have reached an agent or have failed. */
  async #endWhenSent(): Promise<void> {
    const look = (): 'used' | 'sent' | undefined => {
      if (!this.#users.isIdle) return 'used'
      return this.#inside.isUnderWay ? undefined : 'sent'
    }
    const state = look() ?? (await this.#inside.waits.until(look))
    if (state === 'sent' && this.#users.isIdle) void this.end()
  }

  #start(): Promise<void> {
    if (this.#inside.hasNoClient) return (this.#ready ??= this.#render())
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
    try {
      await this.#session.view.fill(this.#wanted ?? firstPage)
    } catch (error) {
      // NOTE: pages need not wait for `ready`
      this.#inside.report(error as SessionError)
      throw error
    }
  }

  #want(limit: number): void {
    if (limit <= (this.#wanted ?? -1)) return
    this.#wanted = limit
    if (this.#inside.hasNoClient || this.#isResumed) this.#showLoaded()
    if (this.#inside.hasNoClient && !this.#page) return
    this.#ready = undefined
    void this.#start()
  }

  #serve(): ClientSession<AppMessage> | undefined {
    if (this.#served || !this.rendered) return this.#served
    const { rows, failure } = this.rendered
    this.#served = this.#options.openIdle()
    if (rows) this.#served.resume(rows)
    if (failure) this.#served.internals.report(new SessionError(failure.message, failure.code))
    return this.#served
  }

  /** On a server: shows the newest page, which is read once, and keeps it in the state of the page for the browser. */
  async #render(): Promise<void> {
    await (this.#page ??= this.#readPage())
    this.#showLoaded()
  }

  /** Reads and shows as many of the newest messages as are wanted; a failure is reported. */
  async #readPage(): Promise<void> {
    const { catchUp } = this.#inside
    const { view } = this.#session
    const reader = inTime(this.#session.channelName)
    const count = (): number => this.#wanted ?? firstPage
    try {
      // NOTE: of a conversation that Ably has forgotten, the first page is empty, and the next ones are in the archive
      for (let pages = 0; pages < maxServerPages && (await catchUp.loadPage(reader)); pages++) {
        view.show(count())
        if (view.getMessages().length >= count()) break
      }
    } catch (error) {
      this.#inside.report(error as SessionError)
    }
    // NOTE: a page may be about another version of a prompt, which it selects then
    view.on('update', () => this.#keepRows())
  }

  /** Shows as many messages as are wanted, of those that are loaded. */
  #showLoaded(): void {
    this.#session.view.show(this.#wanted ?? firstPage)
    if (this.#inside.hasNoClient) this.#keepRows()
  }

  /** Keeps what shows in the state of the page. */
  #keepRows(): void {
    const rows = dehydrateSession(this.#session)
    this.#store.rows = markRaw(rows.rows.length > 0 || rows.hasOlder ? [rows] : [])
    this.#store.synced()
  }
}
