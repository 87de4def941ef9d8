import type { Channel, ChannelChange } from '../ably/session-channel'
import { ErrorCode, toSessionError, type SessionError } from '../core/errors'
import type { ChannelMessage } from '../core/wire'
import type { CatchUp } from './catch-up'
import { Standing, type SessionStatus } from './standing'

/** What a session does when its channel comes and goes. */
export interface AttachmentHost {
  /** Called before the channel is attached. */
  prepare?(): Promise<void>
  heard(message: ChannelMessage): void
  /** Called when the channel, or the connection under it, is there again. */
  isBack(): void
  /** Called when all that was missed has been taken in. */
  caughtUp(): void
  statusBecame(status: SessionStatus): void
  report(error: SessionError): void
  closedError(what: string): SessionError
}

/** Keeps a session on its channel: attaches, again when that can help, and catches up with what was missed. */
export class Attachment<M extends object> {
  readonly #standing: Standing
  #connecting: Promise<void> | undefined
  #stops: (() => void)[] = []
  #isPrepared = false

  constructor(
    private readonly channel: Channel,
    private readonly catchUp: CatchUp<M>,
    private readonly host: AttachmentHost,
  ) {
    this.#standing = new Standing((status) => host.statusBecame(status))
  }

  get status(): SessionStatus {
    return this.#standing.status
  }

  get isClosed(): boolean {
    return !!this.#standing.facts.isClosed
  }

  connect(): Promise<void> {
    if (this.isClosed) return Promise.reject(this.host.closedError('connect'))
    this.#retry()
    return (this.#connecting ??= this.#connect().catch((error: unknown) => {
      this.#connecting = undefined
      throw error
    }))
  }

  /** Attaches the channel unless the SDK does that by itself when the network is back. */
  async reach(): Promise<void> {
    if (this.isClosed || this.#connecting === undefined) await this.connect()
    else await this.#connecting
  }

  async close(): Promise<void> {
    this.#standing.note({ isClosed: true })
    for (const stop of this.#stops.splice(0)) stop()
    await this.channel.detach(this.host.heard)
  }

  async #connect(): Promise<void> {
    const { isConnected } = this.channel
    this.#standing.note({ isConnecting: true, isFailed: false, isConnected })
    try {
      if (this.#stops.length === 0) this.#listen()
      this.#isPrepared = false
      await this.host.prepare?.()
      this.#isPrepared = true
      if (this.isClosed) throw this.host.closedError('connect')
      await this.channel.attach(this.host.heard, { isPatient: true })
    } catch (cause) {
      const error = toSessionError('connect the session', ErrorCode.ChannelFailed, cause)
      if (!this.isClosed) this.#fail(error)
      throw error
    }
    if (this.isClosed) throw this.host.closedError('connect')
    // NOTE: a channel that another session of this client has attached tells nothing
    if (!this.#standing.facts.isAttached) this.#attached(false)
  }

  #listen(): void {
    this.#stops = [
      this.channel.onChange((change) => this.#channelChanged(change)),
      this.channel.onConnection((isConnected) => this.#connectionChanged(isConnected)),
    ]
  }

  #connectionChanged(isConnected: boolean): void {
    const isRenewed = isConnected && this.#standing.facts.isConnected
    this.#standing.note({ isConnected })
    if (!isConnected) return
    const again = (): void => void this.connect().catch(() => undefined)
    // NOTE: what was refused may be allowed with a new token, even what is being refused at this moment
    if (this.#connecting === undefined) again()
    else if (isRenewed && this.#isPrepared) this.#connecting.catch(again)
    this.#retry()
    this.host.isBack()
  }

  #channelChanged({ state, resumed, reason }: ChannelChange): void {
    if (state === 'attached') return this.#attached(resumed)
    this.#standing.note({ isAttached: false })
    // What happens while it is attached is told by `connect()`
    if (this.#standing.facts.isConnecting) return
    if (state === 'failed') this.#fail(toSessionError('stay on the channel', ErrorCode.ChannelFailed, reason))
    if (state === 'detached') this.#connecting = undefined
  }

  #attached(resumed: boolean): void {
    const { wasAttached } = this.#standing.facts
    const isConnected = this.channel.isConnected
    this.#standing.note({ wasAttached: true, isAttached: true, isConnecting: false, isFailed: false, isConnected })
    if (!wasAttached || !resumed || this.catchUp.isBehind) void this.#catchUp()
    this.host.isBack()
  }

  /** Goes on with what could not be read back. */
  #retry(): void {
    if (this.channel.isAttached && this.catchUp.isBehind && !this.#standing.facts.isRepairing) void this.#catchUp()
  }

  async #catchUp(): Promise<void> {
    if (!this.catchUp.lose()) return
    this.#standing.note({ isRepairing: true })
    try {
      const result = await this.catchUp.repair()
      if (result === 'superseded') return
      this.host.caughtUp()
      this.#standing.note({ isRepairing: false, hasGap: result === 'gap' })
    } catch (cause) {
      this.host.caughtUp()
      // NOTE: a channel that is gone again catches up when it is back
      const hasGap = this.channel.isAttached && !this.isClosed
      this.#standing.note({ isRepairing: false, hasGap })
      if (hasGap) this.host.report(toSessionError('catch up with the session', ErrorCode.ContinuityLost, cause))
    }
  }

  /** The channel refused; `connect()` and whatever uses it try again. */
  #fail(error: SessionError): void {
    this.#connecting = undefined
    this.#standing.note({ isFailed: true, isConnecting: false })
    this.host.report(error)
  }
}
