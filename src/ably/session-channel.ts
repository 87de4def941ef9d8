import type {
  ChannelMode,
  ChannelOptions,
  ChannelState,
  ChannelStateChange,
  ConnectionStateChange,
  InboundMessage,
  Message,
  RealtimeChannel,
  RealtimeClient,
} from 'ably'
import { deferred } from '../core/signals'
import { about, ErrorCode, SessionError, toSessionError, unableTo } from '../core/errors'
import { version, type ChannelMessage, type OutgoingMessage } from '../core/wire'
import { connectionError, hearsItself, renewExpiredToken } from './client'
import { readPage, type HistoryPage } from './history-page'
import { isAway } from './publish-error'
import { RunPresence } from './run-presence'

/** A change of the channel's state. */
export interface ChannelChange {
  state: ChannelState
  /** On `attached`: whether nothing was missed since the last time. */
  resumed: boolean
  reason: unknown
}

/** The number of sessions that use each channel: the last one to leave detaches and releases it. */
const users = new WeakMap<RealtimeChannel, number>()
/** Channels that sessions have created; the others are the app's own. */
const ours = new WeakSet<RealtimeChannel>()
/** Channels that the app had attached before any session used them; they stay attached. */
const attachedByApp = new WeakSet<RealtimeChannel>()

const leavable: ReadonlySet<string> = new Set(['attached', 'attaching', 'suspended'])
const releasable: ReadonlySet<string> = new Set(['initialized', 'detached', 'failed'])
const shut: ReadonlySet<string> = new Set(['closing', 'closed'])

/**
 * One session's channel on an Ably client. Works with `Ably.Realtime` and with the tree-shakable
 * clients of `ably/modular`.
 */
export class SessionChannel {
  readonly runPresence: RunPresence
  /** Whether the client receives its own messages. */
  readonly hearsItself: boolean
  readonly #client: RealtimeClient
  readonly #codecName: string
  #held: RealtimeChannel | undefined
  #hasLeft = false
  /** Where the channel was when this session began to listen. */
  #joinedAt: Position = {}
  #stopWaiting: (() => void) | undefined

  constructor(
    client: RealtimeClient,
    readonly name: string,
    codecName: string,
  ) {
    this.#client = client
    this.#codecName = codecName
    this.hearsItself = hearsItself(client)
    this.runPresence = new RunPresence(client, () => this.channel)
  }

  /** The client's channel; the same object from its first use until the session leaves. */
  protected get channel(): RealtimeChannel {
    return (this.#held ??= this.#enter())
  }

  /** The client's own identity; undefined when it has none or may claim any. */
  get clientId(): string | undefined {
    const { clientId } = this.#client.auth
    return clientId && clientId !== '*' ? clientId : undefined
  }

  /** Whether the channel delivers messages now. */
  get isAttached(): boolean {
    return this.#held?.state === 'attached' && !this.#subscribeRefusal
  }

  get presence(): RealtimeChannel['presence'] {
    return this.channel.presence
  }

  /**
   * Calls the listener with every message of the channel from now on; resolves when attached. With `isPatient` it waits
   * while the network is away; otherwise it rejects then.
   */
  async attach(listener: (message: ChannelMessage) => void, { isPatient = false } = {}): Promise<void> {
    try {
      while (!(await this.#subscribe(listener, isPatient))) await this.#change()
    } catch (cause) {
      throw toSessionError(`attach to channel "${this.name}"`, ErrorCode.ChannelFailed, about(cause, this.name))
    }
  }

  /** False when the network is away, so that a patient caller tries again after the next change. */
  async #subscribe(listener: (message: InboundMessage) => void, isPatient: boolean): Promise<boolean> {
    // NOTE: attaching while a detach is on its way ends suspended: the SDK takes the late DETACHED for a refusal
    while (this.channel.state === 'detaching') await this.#change()
    if (this.#hasLeft) throw new SessionError('unable to attach; the session was closed', ErrorCode.Closed)
    try {
      // NOTE: a failed channel refuses subscribers until it is attached again
      if (this.channel.state === 'failed') await this.channel.attach()
      // NOTE: after a failed channel the listener may still be subscribed, and would hear everything twice
      this.channel.unsubscribe(listener)
      this.#joinedAt = { ...positionOf(this.channel) }
      await this.channel.subscribe(listener)
      await this.channel.attach()
      const refusal = this.#subscribeRefusal
      if (refusal) throw refusal
      return true
    } catch (cause) {
      if (!isPatient || !this.isSuspended) throw cause
      return false
    }
  }

  /** Resolves when the state of the channel or its connection changes. */
  async #change(): Promise<void> {
    const { connection } = this.#client
    const { promise, resolve } = deferred()
    const heard = (this.#stopWaiting = (): void => resolve())
    connection.on(heard)
    this.channel.on(heard)
    await promise
    connection.off(heard)
    this.channel.off(heard)
  }

  /**
   * Calls the listener on every change of the channel; returns a function that removes it. A channel that is attached
   * but delivers no messages counts as failed.
   */
  onChange(listener: (change: ChannelChange) => void): () => void {
    const heard = ({ current, resumed, reason }: ChannelStateChange): void => {
      const refusal = current === 'attached' ? this.#subscribeRefusal : undefined
      listener({ state: refusal ? 'failed' : current, resumed, reason: about(refusal ?? reason, this.name) })
    }
    this.channel.on(heard)
    return () => this.channel.off(heard)
  }

  /**
   * Calls the listener whenever the connection changes, with whether it is up, and why not if the token route has
   * failed; returns a function that removes it.
   */
  onConnection(listener: (connected: boolean, failure?: SessionError) => void): () => void {
    const { connection } = this.#client
    const heard = ({ reason }: ConnectionStateChange): void => {
      const hasFailed = reason?.code === ErrorCode.TokenRouteFailed
      listener(connection.state === 'connected', hasFailed ? connectionError(this.#client, reason) : undefined)
    }
    connection.on(heard)
    return () => connection.off(heard)
  }

  /** The client's connection, which its sessions share. */
  get connection(): object {
    return this.#client.connection
  }

  get isConnected(): boolean {
    return this.#client.connection.state === 'connected'
  }

  /** Whether the connection is closed: it comes back only by `reopen`. */
  get isShut(): boolean {
    return shut.has(this.#client.connection.state)
  }

  /** Opens the connection again, after the app closed it, or the page seemed to leave and stayed. */
  reopen(): void {
    if (this.isShut) this.#client.connect()
  }

  /** Whether the network is away for longer; the SDK attaches the channel when it is back. */
  get isSuspended(): boolean {
    return this.#client.connection.state === 'suspended' || this.#held?.state === 'suspended'
  }

  /** Whether a publish failed because nothing can be published at the moment, as opposed to a refusal. */
  isOutage(cause: unknown): boolean {
    return !this.isAttached || isAway(cause)
  }

  /** The channel's messages up to those that the listener hears, newest first, `limit` to a page. */
  history(limit: number): Promise<HistoryPage> {
    const read = () => this.channel.history({ limit, ...this.#untilHeard })
    return readPage(this.name, 3, read, () => renewExpiredToken(this.#client))
  }

  /** On a channel that was attached before, the listener has not heard what came since the attach. */
  get #untilHeard(): { untilAttach?: true; from_serial?: string } {
    const { attachSerial, channelSerial } = this.#joinedAt
    if (attachSerial !== positionOf(this.channel).attachSerial) return { untilAttach: true }
    // NOTE: the SDK knows no serials of messages that it does not receive
    return this.hearsItself && channelSerial ? { from_serial: channelSerial } : {}
  }

  /** Publishes messages in one piece; resolves with their serials once the channel has them. */
  async publish(messages: readonly OutgoingMessage[]): Promise<readonly string[]> {
    const refusal = this.#refusalOf('PUBLISH')
    if (refusal) throw refusal
    const result = await this.named(this.channel.publish(messages.map(toMessage)))
    return (result?.serials ?? []).filter((serial) => serial !== null)
  }

  /** Stops listening for good; leaves the channel unless another session of this client uses it. */
  async detach(listener: (message: ChannelMessage) => void): Promise<void> {
    const channel = this.#held
    if (!channel || this.#hasLeft) return
    this.#hasLeft = true
    this.#stopWaiting?.()
    channel.unsubscribe(listener as (message: InboundMessage) => void)
    users.set(channel, users.get(channel)! - 1)
    const isLeft = users.get(channel) === 0 && !attachedByApp.has(channel)
    if (isLeft && leavable.has(channel.state)) await channel.detach().catch(() => undefined)
    this.#release(channel)
  }

  /** Names this channel in the error of a call. */
  protected named<T>(call: Promise<T>): Promise<T> {
    return call.catch((cause: unknown) => {
      throw about(cause, this.name)
    })
  }

  #enter(): RealtimeChannel {
    const agent = `vue-ai-transport/${version} ${this.#codecName}/${version}`
    const { channels } = this.#client
    // NOTE: a channel of the app keeps its own options: the SDK refuses others once it is attached
    const existing = this.name in channels.all ? channels.get(this.name) : undefined
    const appChannel = existing && !ours.has(existing) ? existing : undefined
    const channel = appChannel ?? channels.get(this.name, { params: { agent } })
    if (!appChannel) ours.add(channel)
    else if (!users.get(channel) && leavable.has(channel.state)) attachedByApp.add(channel)
    users.set(channel, (users.get(channel) ?? 0) + 1)
    return channel
  }

  /** Why the attached channel delivers no messages; undefined when it delivers them. */
  get #subscribeRefusal(): Error | undefined {
    // NOTE: the service attaches a token that may only publish, and then sends nothing; an empty list tells nothing
    const modes = this.#held?.modes
    const isMissing = modes?.length && !modes.includes('subscribe')
    return this.#refusalOf('SUBSCRIBE') ?? (isMissing ? subscribeMissing() : undefined)
  }

  /** Why the options that the app has given the channel exclude a mode; undefined when they allow it. */
  #refusalOf(mode: ChannelMode): SessionError | undefined {
    const modes = this.#held && !ours.has(this.#held) ? (optionsOf(this.#held).modes ?? []) : []
    if (modes.length === 0 || modes.some((each) => each.toUpperCase() === mode)) return undefined
    const fix = `the app has set the channel's modes to ${modes.join(', ')}; add ${mode}`
    return unableTo(`use channel "${this.name}"`, fix, ErrorCode.ChannelFailed)
  }

  /** Releases the channel, which the client would keep, unless another session uses it. */
  #release(channel: RealtimeChannel): void {
    const isFree = users.get(channel) === 0 && releasable.has(channel.state)
    // NOTE: only once, because the SDK releases by name, which may be another channel object by then
    if (isFree && ours.delete(channel)) this.#client.channels.release(this.name)
  }
}

const subscribeMissing = (): Error => Object.assign(new Error('subscribe'), { code: ErrorCode.Unauthorized })

/** The options that the app has given a channel, which the SDK's types hide. */
const optionsOf = (channel: RealtimeChannel): ChannelOptions =>
  (channel as { channelOptions?: ChannelOptions }).channelOptions ?? {}

/** The channel serials of the attach and of the newest message. */
interface Position {
  readonly attachSerial?: string
  readonly channelSerial?: string
}

/** The position of a channel, which the SDK's types hide. */
const positionOf = (channel: RealtimeChannel): Position => (channel as { properties?: Position }).properties ?? {}

// NOTE: the SDK refuses bare numbers and booleans as data, but accepts text that is marked as JSON
function toMessage(message: OutgoingMessage): Message {
  const { data } = message
  if (typeof data !== 'number' && typeof data !== 'boolean') return message
  return { ...message, data: JSON.stringify(data), encoding: 'json' }
}

/** The interface of a session's channel. */
export type Channel = Omit<Pick<SessionChannel, keyof SessionChannel>, 'runPresence'> & {
  /** Undefined without a client. */
  readonly runPresence: RunPresence | undefined
}
