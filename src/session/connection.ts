import { onPageStays } from '../ably/page-life'
import type { ChannelChange } from '../ably/session-channel'
import { ErrorCode, toSessionError, type SessionError } from '../core/errors'
import type { CatchUp } from './catch-up'
import { closedError, type SessionContext, type SessionStatus } from './context'

/** Facts about a session's channel. */
interface Facts {
  isClosed?: boolean
  isFailed?: boolean
  /** Whether it is being attached for the first time. */
  isConnecting?: boolean
  wasAttached?: boolean
  isAttached?: boolean
  /** Whether the connection under it is up. */
  isConnected?: boolean
  /** Whether the connection was closed, so that it does not come back by itself. */
  isShut?: boolean
  isRepairing?: boolean
  /** Whether missed messages could not be read back. */
  hasGap?: boolean
}

/** A session's status: a function of facts, so the order in which they change does not matter. */
function statusOf(facts: Facts): SessionStatus {
  if (facts.isClosed) return 'closed'
  if (facts.isFailed) return 'failed'
  if (facts.isShut) return 'idle'
  if (!facts.wasAttached) return facts.isConnecting ? 'connecting' : 'idle'
  if (!facts.isAttached || !facts.isConnected) return 'reconnecting'
  if (facts.isRepairing) return 'repairing'
  return facts.hasGap ? 'gap' : 'ready'
}

/** Keeps a session on its channel: attaches it, again when that can help, and catches up with missed messages. */
export class Connection<M extends object> {
  readonly #session: SessionContext<M>
  readonly #catchUp: CatchUp<M>
  readonly #facts: Facts = {}
  #status: SessionStatus = 'idle'
  #connecting: Promise<void> | undefined
  #stops: (() => void)[] = []
  #isPrepared = false
  /** When the connection was closed last, by `performance.now()`. */
  #shutAt = 0

  constructor(session: SessionContext<M>, catchUp: CatchUp<M>) {
    this.#session = session
    this.#catchUp = catchUp
  }

  get status(): SessionStatus {
    return this.#status
  }

  get isClosed(): boolean {
    return !!this.#facts.isClosed
  }

  connect(): Promise<void> {
    if (this.isClosed) return Promise.reject(closedError('connect'))
    this.#session.channel.reopen()
    this.#resumeCatchUp()
    return (this.#connecting ??= this.#connect().catch((error: unknown) => {
      this.#connecting = undefined
      throw error
    }))
  }

  async close(): Promise<void> {
    this.#set({ isClosed: true })
    for (const stop of this.#stops.splice(0)) stop()
    await this.#session.channel.detach(this.#session.hear)
  }

  async #connect(): Promise<void> {
    const { channel, options, hear } = this.#session
    this.#set({ isConnecting: true, isFailed: false, isConnected: channel.isConnected, isShut: this.#isShut() })
    try {
      if (this.#stops.length === 0) this.#listen()
      this.#isPrepared = false
      await options.prepare?.()
      this.#isPrepared = true
      if (this.isClosed) throw closedError('connect')
      await channel.attach(hear, { isPatient: true })
    } catch (cause) {
      const error = toSessionError('connect the session', ErrorCode.ChannelFailed, cause)
      if (!this.isClosed) this.#fail(error)
      throw error
    }
    if (this.isClosed) throw closedError('connect')
    // NOTE: there is no event when another session of this client has attached the channel
    if (!this.#facts.isAttached) this.#attached(false)
  }

  #listen(): void {
    const { channel } = this.#session
    this.#stops = [
      channel.onChange((change) => this.#channelChanged(change)),
      channel.onConnection((isConnected, failure) => {
        this.#connectionChanged(isConnected)
        if (failure) this.#session.report(failure)
      }),
      onPageStays(
        () => channel.reopen(),
        (moment) => !this.#facts.isShut || this.#shutAt >= moment,
      ),
    ]
  }

  #connectionChanged(isConnected: boolean): void {
    const isRenewed = isConnected && this.#facts.isConnected
    this.#set({ isConnected, isShut: this.#isShut() })
    if (!isConnected) return
    const again = (): void => void this.connect().catch(() => undefined)
    // NOTE: a new token may allow the channel that was refused, even one that is being refused at this moment
    if (this.#connecting === undefined) again()
    else if (isRenewed && this.#isPrepared) this.#connecting.catch(again)
    this.#resumeCatchUp()
    this.#session.outbox.flush()
  }

  /** Whether the connection is closed; notes when it was. */
  #isShut(): boolean {
    const { isShut } = this.#session.channel
    if (isShut && !this.#facts.isShut) this.#shutAt = performance.now()
    return isShut
  }

  #channelChanged({ state, resumed, reason }: ChannelChange): void {
    if (state === 'attached') return this.#attached(resumed)
    this.#set({ isAttached: false, isShut: this.#isShut() })
    // `connect()` reports failures while the channel is being attached
    if (this.#facts.isConnecting) return
    if (state === 'failed') this.#fail(toSessionError('stay on the channel', ErrorCode.ChannelFailed, reason))
    if (state !== 'detached') return
    this.#connecting = undefined
    // NOTE: the app, or another library, has detached the channel that this session uses
    if (this.#session.channel.isConnected) void this.connect().catch(() => undefined)
  }

  #attached(resumed: boolean): void {
    const { wasAttached } = this.#facts
    const { isConnected } = this.#session.channel
    const isBehind = (!wasAttached || !resumed || this.#catchUp.isBehind) && this.#catchUp.begin()
    const facts: Facts = { wasAttached: true, isAttached: true, isConnecting: false, isFailed: false, isConnected }
    // NOTE: in one step, because a session that may have missed messages is not ready, not even for a moment
    this.#set(isBehind ? { ...facts, isRepairing: true } : facts)
    if (isBehind) void this.#repair()
    this.#session.outbox.flush()
  }

  /** Continues a repair that failed. */
  #resumeCatchUp(): void {
    const isPossible = this.#session.channel.isAttached && !this.#facts.isRepairing
    if (!isPossible || !this.#catchUp.isBehind || !this.#catchUp.begin()) return
    this.#set({ isRepairing: true })
    void this.#repair()
  }

  async #repair(): Promise<void> {
    const session = this.#session
    try {
      const result = await this.#catchUp.repair()
      if (result === 'superseded') return
      this.#set({ isRepairing: false, hasGap: result === 'gap' })
    } catch (cause) {
      // NOTE: a channel that is gone again catches up when it is back
      const hasGap = session.channel.isAttached && !this.isClosed
      this.#set({ isRepairing: false, hasGap })
      if (hasGap) session.report(toSessionError('catch up with the session', ErrorCode.ContinuityLost, cause))
    }
    session.outbox.flush()
  }

  /** The channel refused; `connect()` and verbs that use it try again. */
  #fail(error: SessionError): void {
    this.#connecting = undefined
    this.#set({ isFailed: true, isConnecting: false })
    this.#session.report(error)
  }

  #set(facts: Facts): void {
    Object.assign(this.#facts, facts)
    const status = statusOf(this.#facts)
    if (status === this.#status) return
    this.#status = status
    this.#session.statusChanged(status)
  }
}
