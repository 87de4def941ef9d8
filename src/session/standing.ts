/**
 * - `idle`: not connected, or on the server
 * - `connecting`: attaching for the first time
 * - `ready`: in step with the channel
 * - `reconnecting`: the network is away; runs go on without us
 * - `repairing`: back, reading what was missed
 * - `gap`: back, but history no longer reaches what was missed; what is known stays
 * - `failed`: the channel refused; `error` says why
 * - `closed`
 */
export type SessionStatus = 'idle' | 'connecting' | 'ready' | 'reconnecting' | 'repairing' | 'gap' | 'failed' | 'closed'

/** What is known about a session's channel; nothing is, at first. */
export interface Facts {
  isClosed?: boolean
  isFailed?: boolean
  /** Whether it is being attached for the first time. */
  isConnecting?: boolean
  wasAttached?: boolean
  isAttached?: boolean
  /** Whether the connection under it is up. */
  isConnected?: boolean
  isRepairing?: boolean
  /** Whether something was missed that could not be read back. */
  hasGap?: boolean
}

/** A session's status: a function of facts, so that it does not matter in which order they change. */
export class Standing {
  readonly #facts: Facts = {}
  #status: SessionStatus = 'idle'

  constructor(private readonly onChange: (status: SessionStatus) => void) {}

  get status(): SessionStatus {
    return this.#status
  }

  get facts(): Readonly<Facts> {
    return this.#facts
  }

  note(facts: Facts): void {
    Object.assign(this.#facts, facts)
    const status = statusOf(this.#facts)
    if (status === this.#status) return
    this.#status = status
    this.onChange(status)
  }
}

function statusOf(facts: Facts): SessionStatus {
  if (facts.isClosed) return 'closed'
  if (facts.isFailed) return 'failed'
  if (!facts.wasAttached) return facts.isConnecting ? 'connecting' : 'idle'
  if (!facts.isAttached || !facts.isConnected) return 'reconnecting'
  if (facts.isRepairing) return 'repairing'
  return facts.hasGap ? 'gap' : 'ready'
}
