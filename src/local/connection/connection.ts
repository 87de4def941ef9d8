import { announce } from '../channel/announce'
import { preparePublish } from '../channel/publish'
import type { Channel } from '../channel/channel'
import type { Receiver } from '../channel/attachment'
import { identify, type Identity } from '../auth/identity'
import { expired } from '../auth/token'
import type { Answers } from '../persist/store'
import type { App } from '../app'
import { ProtocolError, toErrorInfo, type ErrorInfo } from '../wire/error'
import type { Format } from '../wire/format'
import { Action, Flag, type ClientFrame, type ServerFrame } from '../wire/protocol'
import { Attachments, needMode } from './attachments'
import { Delivery, type Disturbance } from './delivery'
import { Expiry } from './expiry'
import { Membership } from './membership'
import { PublishQueue, type Answer } from './publish-queue'
import { RateLimit } from '../rate-limit'
import type { Transport } from './transport'

/** The options that a client connects with. */
export interface ConnectionOptions {
  identity: Identity
  /** Whether it receives its own messages. */
  echo: boolean
  /** Window in which its appends are merged, in ms. */
  window: number
  /** How long its members stay after it is lost, in ms. */
  stay: number
}

/** The registry that a connection belongs to. */
export interface ConnectionOwner {
  /** The secret key by which a client resumes a connection. */
  keyOf(connection: Connection): string
  /** Keeps a connection without a transport for as long as it may be resumed. */
  linger(connection: Connection): void
  /** Forgets a connection that was closed. Its key no longer works. */
  forget(connection: Connection): void
}

const tooFast = (max: number) =>
  new ProtocolError(42_911, 429, `connection publishes more than ${max} messages a second`)

/** Delay of a ping's answer, in ms. */
const PONG_DELAY = 2

/**
 * A client's connection. It outlives its transports: a client that returns in time keeps its id, its unanswered
 * publishes and their answers. Attachments belong to a transport and start anew with each.
 */
export class Connection implements Receiver {
  /** How often it has connected. */
  generation = 0
  identity: Identity
  #options: ConnectionOptions
  #transport?: Transport
  readonly #app: App
  readonly #owner: ConnectionOwner
  readonly #attachments: Attachments
  readonly #membership: Membership
  readonly #publishes: PublishQueue
  readonly #delivery = new Delivery((frame) => this.#transport?.send(frame))
  readonly #rate: RateLimit
  readonly #expiry: Expiry

  constructor(
    readonly connectionId: string,
    app: App,
    owner: ConnectionOwner,
    options: ConnectionOptions,
  ) {
    this.#app = app
    this.#owner = owner
    this.#options = options
    this.identity = options.identity
    this.#membership = new Membership(connectionId, app.now)
    this.#attachments = new Attachments(app, this, this.#membership)
    this.#publishes = new PublishQueue(
      (frame, serial) => this.#answer(frame, serial),
      (frame) => this.sendFrame(frame),
    )
    this.#rate = new RateLimit(app.limits.maxInboundRate, tooFast)
    this.#expiry = new Expiry(app.now, {
      renew: () => this.sendFrame({ action: Action.Auth }),
      end: () => this.expire(),
    })
  }

  /** Restores the answers that an earlier start of the endpoint gave this connection. */
  recall(answers: Answers) {
    this.#publishes.recall(answers)
  }

  /** Whether a client is connected now. */
  get isOpen() {
    return this.#transport?.isOpen ?? false
  }

  get echo() {
    return this.#options.echo
  }

  get format(): Format {
    return this.#transport?.format ?? 'json'
  }

  /** Uses this transport for the connection, in place of any earlier one. */
  open(transport: Transport, options: ConnectionOptions, error?: ErrorInfo) {
    this.#leaveTransport()?.cut()
    this.#membership.stay()
    this.#options = options
    this.#transport = transport
    this.generation++
    this.#welcome(options.identity, error)
    transport.listen({
      onFrame: (frame) => this.#receive(frame, transport),
      onClose: () => this.#lose(transport),
    })
  }

  /** Delivers a message of a channel, or presence. */
  send(frame: Uint8Array, serial?: string) {
    this.#delivery.push(frame, serial)
  }

  /** Disturbs the delivery of messages until the returned function is called. */
  disturb(how: Disturbance): () => void {
    return this.#delivery.disturb(how)
  }

  sendFrame(frame: ServerFrame) {
    this.#transport?.sendFrame(frame)
  }

  /** Disconnects the client with an error; it may reconnect. */
  disconnect(error: ErrorInfo) {
    this.sendFrame({ action: Action.Disconnected, error })
    this.#leaveTransport()?.end()
    this.#linger()
  }

  /** Cuts the transport without a frame. */
  cut() {
    this.#leaveTransport()?.cut()
    this.#linger()
  }

  /** Lets the transport hang until the returned function is called. */
  freeze(): () => void {
    return this.#transport?.freeze() ?? (() => {})
  }

  /** Removes the members of a connection that will not return. */
  vanish() {
    this.#membership.leaveAll()
  }

  /** Stops all timers and the transport. */
  stop() {
    this.#leaveTransport()?.end()
    this.#membership.stay()
  }

  /** Disconnects the client because its token has expired. */
  expire() {
    this.disconnect(toErrorInfo(expired()))
  }

  /** Tells the client, if it is attached, that it may have missed messages of the channel. */
  breakContinuity(channel: Channel) {
    this.#attachments.breakContinuity(channel)
  }

  #welcome(identity: Identity, error?: ErrorInfo) {
    const { limits } = this.#app
    this.identity = identity
    this.#expiry.watch(identity.grant)
    const isAnyone = identity.clientId === undefined && identity.grant.token !== undefined
    this.sendFrame({
      action: Action.Connected,
      connectionId: this.connectionId,
      timestamp: this.#app.now(),
      error,
      connectionDetails: {
        connectionKey: this.#owner.keyOf(this),
        clientId: identity.clientId ?? (isAnyone ? identity.grant.clientId : undefined),
        maxMessageSize: limits.maxMessageSize,
        maxFrameSize: limits.maxFrameSize,
        maxInboundRate: Number.isFinite(limits.maxInboundRate) ? limits.maxInboundRate : 50,
        connectionStateTtl: limits.connectionStateTtl,
        maxIdleInterval: limits.maxIdleInterval,
        serverId: 'local',
      },
    })
  }

  #receive(frame: ClientFrame, transport: Transport) {
    if (transport !== this.#transport) return
    try {
      this.#dispatch(frame)
    } catch (error) {
      this.sendFrame({ action: Action.Error, channel: frame.channel, error: toErrorInfo(error) })
      // NOTE: to the client the channel has failed, or without a channel the connection
      if (frame.channel === undefined) return this.#leave()
      this.#attachments.drop(frame.channel)
    }
  }

  #dispatch(frame: ClientFrame) {
    switch (frame.action) {
      case Action.Heartbeat:
        return this.#pong(frame)
      case Action.Close:
        this.sendFrame({ action: Action.Closed })
        return this.#leave()
      case Action.Disconnect:
        this.#leaveTransport()?.end()
        return this.#linger()
      case Action.Attach:
        return this.#attachments.attach(frame, this.identity.grant.capability)
      case Action.Detach:
        return this.#attachments.detach(frame)
      case Action.Sync:
        return this.#attachments.sync(frame)
      case Action.Message:
      case Action.Presence:
        return this.#publishes.push(frame)
      case Action.Auth:
        return void this.#reauthorize(frame.accessToken)
    }
  }

  #pong({ id }: ClientFrame) {
    const transport = this.#transport
    // NOTE: clients measure the round trip in whole ms and expect it to take time
    setTimeout(() => transport?.sendFrame({ action: Action.Heartbeat, id }), PONG_DELAY)
  }

  #answer(frame: ClientFrame, msgSerial: number): Answer | Promise<Answer> {
    try {
      this.#rate.take(this.#app.now())
      return frame.action === Action.Presence ? this.#announce(frame, msgSerial) : this.#publish(frame, msgSerial)
    } catch (error) {
      return { error: toErrorInfo(error) }
    }
  }

  #publish(frame: ClientFrame, msgSerial: number): Answer | Promise<Answer> {
    if (frame.params.get('_forceNack') === 'true') throw new ProtocolError(40_099, 400, 'refused as asked for')
    const attachment = this.#attachments.find(frame.channel)
    if (attachment) needMode(attachment, Flag.Publish, 'publish', this.identity.grant.capability)
    const publish = preparePublish(this.#app, this.#publisher(msgSerial), frame.channel, frame.messages)
    const run = (): Answer => {
      const answer = { serials: publish.run() }
      if (publish.verdict.loseAck) this.cut()
      return answer
    }
    return publish.verdict.until ? publish.verdict.until.then(run) : run()
  }

  #announce(frame: ClientFrame, msgSerial: number): Answer {
    const attachment = this.#attachments.find(frame.channel)
    if (!attachment) {
      throw new ProtocolError(91_001, 400, 'unable to change presence; the channel is not attached')
    }
    needMode(attachment, Flag.Presence, 'presence', this.identity.grant.capability)
    announce(this.#app, this.#publisher(msgSerial), attachment.channel, frame.presence)
    this.#membership.note(attachment.channel)
    return { serials: undefined }
  }

  #publisher(msgSerial: number) {
    const { identity, connectionId } = this
    return { identity, connectionId, window: this.#options.window, idBase: `${connectionId}:${msgSerial}` }
  }

  async #reauthorize(token: string | undefined) {
    const transport = this.#transport
    try {
      const grant = await this.#app.auth.check({ token })
      if (this.#transport !== transport) return
      this.#welcome(identify(grant, this.identity.clientId))
      this.#attachments.recheck(this.identity.grant.capability)
    } catch (error) {
      if (this.#transport !== transport) return
      this.sendFrame({ action: Action.Error, error: toErrorInfo(error) })
      this.#leave()
    }
  }

  /** Ends the connection for good. */
  #leave() {
    this.#leaveTransport()?.end()
    this.#owner.forget(this)
  }

  #lose(transport: Transport) {
    if (transport !== this.#transport) return
    this.#leaveTransport()
    this.#linger()
  }

  #linger() {
    this.#membership.leaveIn(this.#options.stay)
    this.#owner.linger(this)
  }

  /** Releases the transport and its attachments. */
  #leaveTransport(): Transport | undefined {
    const transport = this.#transport
    this.#transport = undefined
    this.#expiry.stop()
    this.#attachments.clear()
    this.#delivery.clear()
    return transport
  }
}
