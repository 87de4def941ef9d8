import { LingeringLease } from '../core/lease'
import type { AgentSession } from './agent-session'
import { agentClosed } from './errors'

/** A session in use; release it once. */
export interface Lease<Session> {
  readonly session: Session
  /**
   * Releases the session; it stays attached for `linger` milliseconds, or longer where an earlier release asked for
   * that.
   */
  release(linger?: number): void
}

interface Entry<Session> {
  readonly session: Session
  readonly lease: LingeringLease
}

/** The number of unused sessions that may stay attached: a connection has only so many channels. */
const maxIdle = 50

type Closable = Pick<AgentSession<never, never>, 'detach' | 'end'>

/** One session per channel, shared by the runs on it and detached some time after the last of them. */
export class SharedSessions<Session extends Closable> {
  readonly #create: (name: string) => Promise<Session> | Session
  readonly #linger: number
  readonly #entries = new Map<string, Entry<Session>>()
  #isClosed = false

  /** @param linger - milliseconds that an unused session stays attached, because the next prompt may come soon */
  constructor(create: (name: string) => Promise<Session> | Session, linger = 2000) {
    this.#create = create
    this.#linger = linger
  }

  async acquire(name: string): Promise<Lease<Session>> {
    let entry = this.#entries.get(name)
    if (!entry) {
      this.#checkOpen()
      const session = await this.#create(name)
      this.#checkOpen()
      // Another request may have been faster
      entry = this.#entries.get(name) ?? this.#enter(name, session)
    }
    // NOTE: nothing is awaited since it was entered, because an entry without users may be dropped
    const releaseFor = entry.lease.acquire()
    const release = (linger = this.#linger): void => {
      if (this.#isClosed) return
      releaseFor(linger)
      this.#dropSurplus()
    }
    return { session: entry.session, release }
  }

  /** Ends all sessions and their open runs; after `within` milliseconds it leaves them instead. */
  async close(within: number): Promise<void> {
    await Promise.all(this.#clear().map((session) => session.end({ within })))
  }

  /** Detaches all sessions; their runs stay open. */
  leave(): void {
    for (const session of this.#clear()) session.detach().catch(() => undefined)
  }

  /** Removes all sessions, and takes no more. */
  #clear(): Session[] {
    this.#isClosed = true
    const entries = [...this.#entries.values()]
    this.#entries.clear()
    for (const { lease } of entries) lease.cancel()
    return entries.map(({ session }) => session)
  }

  #enter(name: string, session: Session): Entry<Session> {
    const entry = { session, lease: new LingeringLease(() => this.#drop(name)) }
    this.#entries.set(name, entry)
    return entry
  }

  #checkOpen(): void {
    if (this.#isClosed) throw agentClosed()
  }

  #dropSurplus(): void {
    const idle = [...this.#entries].filter(([, { lease }]) => lease.isIdle)
    if (idle.length <= maxIdle) return
    const [name] = idle.reduce((a, b) => (b[1].lease.keepUntil < a[1].lease.keepUntil ? b : a))
    this.#drop(name)
  }

  #drop(name: string): void {
    const entry = this.#entries.get(name)
    if (!entry) return
    entry.lease.cancel()
    this.#entries.delete(name)
    entry.session.detach().catch(() => undefined)
  }
}

/** A value that is created on first use, and again when creating it failed or it is of no more use. */
export class Renewable<T> {
  readonly #create: () => Promise<T>
  readonly #isOver: (value: T) => boolean
  readonly #leave: (value: T) => void
  #creating: Promise<T> | undefined
  #current: T | undefined

  /**
   * @param isOver - whether the value is of no more use
   * @param leave - called with a value of no more use
   */
  constructor(create: () => Promise<T>, isOver: (value: T) => boolean, leave: (value: T) => void) {
    this.#create = create
    this.#isOver = isOver
    this.#leave = leave
  }

  /** The present value; undefined before it is created. */
  get current(): T | undefined {
    return this.#current
  }

  /** The present value, or a new one. Rejects when creating it fails. */
  get(): Promise<T> {
    if (this.#current !== undefined && this.#isOver(this.#current)) {
      this.#leave(this.#current)
      this.#current = this.#creating = undefined
    }
    return (this.#creating ??= this.#attempt())
  }

  async #attempt(): Promise<T> {
    try {
      return (this.#current = await this.#create())
    } catch (error) {
      this.#creating = undefined
      throw error
    }
  }
}
