import { ErrorCode, SessionError } from '../core/errors'
import type { AgentSession } from './agent-session'

interface Entry<Session> {
  readonly session: Session
  users: number
  /** Until when it stays when nobody uses it, by this machine's clock. */
  keepUntil: number
  timer?: ReturnType<typeof setTimeout>
}

/** A session in use; to be released once. */
export interface Lease<Session> {
  readonly session: Session
  /** Gives it back; it stays attached for `linger` milliseconds, or longer where that was asked for before. */
  release(linger?: number): void
}

/** Sessions that nobody uses and that stay attached all the same: a connection has only so many channels. */
const maxIdle = 50

type Closable = Pick<AgentSession<never, never>, 'detach' | 'end'>

/** One session per channel, shared by the runs on it and detached a little after the last of them. */
export class SharedSessions<Session extends Closable> {
  readonly #entries = new Map<string, Entry<Session>>()
  #isClosed = false

  constructor(
    private readonly create: (name: string) => Promise<Session> | Session,
    /** Milliseconds that a session stays attached when nobody uses it: the next prompt may come soon. */
    private readonly linger = 2000,
  ) {}

  async acquire(name: string): Promise<Lease<Session>> {
    const entry = this.#entries.get(name) ?? (await this.#enter(name))
    clearTimeout(entry.timer)
    entry.users++
    let isReleased = false
    const release = (linger = this.linger): void => {
      if (isReleased) return
      isReleased = true
      entry.keepUntil = Math.max(entry.keepUntil, Date.now() + linger)
      if (--entry.users === 0) this.#dropLater(name, entry)
    }
    return { session: entry.session, release }
  }

  /** Ends all sessions, with what is open on them, or leaves that when it takes more than `within` milliseconds. */
  async close(within: number): Promise<void> {
    await Promise.all(this.#empty().map((session) => session.end({ within })))
  }

  /** Leaves all sessions as they are. */
  leave(): void {
    for (const session of this.#empty()) session.detach().catch(() => undefined)
  }

  /** Gives up all sessions, and takes no more. */
  #empty(): Session[] {
    this.#isClosed = true
    const entries = [...this.#entries.values()]
    this.#entries.clear()
    for (const { timer } of entries) clearTimeout(timer)
    return entries.map(({ session }) => session)
  }

  async #enter(name: string): Promise<Entry<Session>> {
    this.#checkOpen()
    const session = await this.create(name)
    this.#checkOpen()
    // Somebody else may have been faster
    const entry = this.#entries.get(name) ?? { session, users: 0, keepUntil: 0 }
    this.#entries.set(name, entry)
    return entry
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new SessionError('unable to answer; the agent was closed', ErrorCode.Closed)
  }

  #dropLater(name: string, entry: Entry<Session>): void {
    if (this.#isClosed) return
    entry.timer = setTimeout(() => this.#drop(name, entry), entry.keepUntil - Date.now())
    // NOTE: a process that has nothing else to do need not stay for it; browsers' timers cannot say so
    ;(entry.timer as { unref?: () => void }).unref?.()
    const idle = [...this.#entries].filter(([, { users }]) => users === 0)
    if (idle.length > maxIdle) this.#drop(...idle.reduce((a, b) => (b[1].keepUntil < a[1].keepUntil ? b : a)))
  }

  #drop(name: string, entry: Entry<Session>): void {
    clearTimeout(entry.timer)
    this.#entries.delete(name)
    entry.session.detach().catch(() => undefined)
  }
}
