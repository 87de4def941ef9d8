import type { AgentSession } from './agent-session'

interface Entry<Session> {
  readonly session: Session
  users: number
  timer?: ReturnType<typeof setTimeout>
}

/** A session in use; to be released once. */
export interface Lease<Session> {
  readonly session: Session
  release(): void
}

type Detachable = Pick<AgentSession<never, never>, 'detach'>

/** One session per channel, shared by the runs on it and detached a little after the last of them. */
export class SharedSessions<Session extends Detachable> {
  readonly #entries = new Map<string, Entry<Session>>()

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
    const release = (): void => {
      if (isReleased) return
      isReleased = true
      if (--entry.users === 0) entry.timer = setTimeout(() => this.#drop(name, entry), this.linger)
    }
    return { session: entry.session, release }
  }

  async #enter(name: string): Promise<Entry<Session>> {
    const session = await this.create(name)
    // Somebody else may have been faster
    const entry = this.#entries.get(name) ?? { session, users: 0 }
    this.#entries.set(name, entry)
    return entry
  }

  #drop(name: string, entry: Entry<Session>): void {
    this.#entries.delete(name)
    entry.session.detach().catch(() => undefined)
  }
}
