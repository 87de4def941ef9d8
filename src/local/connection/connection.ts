import { announceModes, attach, loseContinuity } from '../channel/attach'
import type { Attachment, Receiver } from '../channel/attachment'
import { readChannelName } from '../channel/channel-name'
import type { Channel } from '../channel/channel'
import { notPermitted, ProtocolError, toErrorInfo, type ErrorInfo } from '../wire/error'
import { Expiry } from './expiry'
import type { Format } from '../wire/format'
import { identify, type Identity } from '../auth/identity'
import { grantedModes } from '../channel/modes'
import { Action, Flag, type ClientFrame, type ServerFrame } from '../wire/protocol'
import { preparePublish } from '../channel/publish'
import { PublishQueue, type Answer } from './publish-queue'
import { RateLimit } from './rate-limit'
import type { Service } from '../service'
import { expired } from '../auth/token'
import type { Transport } from './transport'

/** What a client asks for when it connects. */
export interface ConnectionOptions {
  identity: Identity
  /** Whether it wants its own messages back. */
  echo: boolean
  /** Window in which its appends are merged, in ms. */
  window: number
}

/**
 * A client's connection. It outlives its transports: one that comes back in time finds its id, its unanswered publishes
 * and their answers. Attachments belong to a transport and start anew with each.
 */
export class Connection implements Receiver {
  /** How often it has connected. */
  generation = 0
  identity: Identity
  #options: ConnectionOptions
  #transport?: Transport
  readonly #service: Service
  readonly #attachments = new Map<string, Attachment>()
  readonly #publishes: PublishQueue
  readonly #rate: RateLimit
  readonly #expiry: Expiry

  constructor(
    readonly connectionId: string,
    service: Service,
    options: ConnectionOptions,
  ) {
    this.#service = service
    this.#options = options
    this.identity = options.identity
    this.#publishes = new PublishQueue(
      (frame, serial) => this.#publish(frame, serial),
      (frame) => this.sendFrame(frame),
    )
    this.#rate = new RateLimit(service.limits.maxInboundRate, service.now)
    this.#expiry = new Expiry(service.now, {
      renew: () => this.sendFrame({ action: Action.Auth }),
      end: () => this.expire(),
    })
  }

  /** Whether a client is there now. */
  get isOpen() {
    return this.#transport?.isOpen ?? false
  }

  get echo() {
    return this.#options.echo
  }

  get format(): Format {
    return this.#transport?.format ?? 'json'
  }

  /** Lets a transport speak for this connection, in place of any before it. */
  open(transport: Transport, options: ConnectionOptions, error?: ErrorInfo) {
    this.#leaveTransport()?.cut()
    this.#options = options
    this.#transport = transport
    this.generation++
    this.#welcome(options.identity, error)
    transport.listen({
      onFrame: (frame) => this.#receive(frame, transport),
      onClose: () => this.#lose(transport),
    })
  }

  send(frame: Uint8Array) {
    this.#transport?.send(frame)
  }

  sendFrame(frame: ServerFrame) {
    this.#transport?.sendFrame(frame)
  }

  /** Sends the client away with a reason, expecting it back. */
  disconnect(error: ErrorInfo) {
    this.sendFrame({ action: Action.Disconnected, error })
    this.#leaveTransport()?.end()
    this.#service.connections.linger(this)
  }

  /** Cuts the transport without a word. */
  cut() {
    this.#leaveTransport()?.cut()
    this.#service.connections.linger(this)
  }

  /** Sends the client away because its token has ended. */
  expire() {
    this.disconnect(toErrorInfo(expired()))
  }

  /** Tells the client, if it is attached, that it may have missed something on the channel. */
  breakContinuity(channel: Channel) {
    for (const attachment of this.#attachments.values()) {
      if (attachment.channel === channel) loseContinuity(attachment, this)
    }
  }

  #welcome(identity: Identity, error?: ErrorInfo) {
    const { limits, connections } = this.#service
    this.identity = identity
    this.#expiry.watch(identity.grant)
    const isAnyone = identity.clientId === undefined && identity.grant.token !== undefined
    this.sendFrame({
      action: Action.Connected,
      connectionId: this.connectionId,
      timestamp: this.#service.now(),
      error,
      connectionDetails: {
        connectionKey: connections.keys.issue(this.connectionId, this.generation),
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
      const attachment = this.#attachments.get(frame.channel)
      if (attachment) this.#drop(attachment)
    }
  }

  #dispatch(frame: ClientFrame) {
    switch (frame.action) {
      case Action.Heartbeat:
        return this.sendFrame({ action: Action.Heartbeat, id: frame.id })
      case Action.Close:
        this.sendFrame({ action: Action.Closed })
        return this.#leave()
      case Action.Disconnect:
        this.#leaveTransport()?.end()
        return this.#service.connections.linger(this)
      case Action.Attach:
        return this.#attach(frame)
      case Action.Detach:
        return this.#detach(frame)
      case Action.Message:
      case Action.Presence:
        return this.#publishes.push(frame)
      case Action.Auth:
        return void this.#reauthorize(frame.accessToken)
    }
  }

  #attach(frame: ClientFrame) {
    const name = readChannelName(frame.channel)
    const written = frame.channel ?? name.name
    const current = this.#attachments.get(written)
    const { limits, channels, now } = this.#service
    if (!current && this.#attachments.size >= limits.maxAttachments) {
      throw new ProtocolError(90_010, 400, `unable to attach to more than ${limits.maxAttachments} channels`)
    }
    const { capability } = this.identity.grant
    const request = { frame, name, channel: channels.open(name.name), capability, receiver: this, current, now: now() }
    this.#attachments.set(written, attach(request))
  }

  #detach(frame: ClientFrame) {
    const attachment = this.#attachments.get(frame.channel ?? '')
    if (attachment) this.#drop(attachment)
    this.sendFrame({ action: Action.Detached, channel: frame.channel })
  }

  #publish(frame: ClientFrame, msgSerial: number): Answer | Promise<Answer> {
    try {
      if (frame.action === Action.Presence)
        throw new ProtocolError(91_001, 501, 'presence is not available locally yet')
      if (frame.params.get('_forceNack') === 'true') throw new ProtocolError(40_099, 400, 'refused as asked for')
      this.#rate.take()
      const attachment = this.#attachments.get(frame.channel ?? '')
      if (attachment && !attachment.has(Flag.Publish)) {
        throw new ProtocolError(40_165, 401, 'unable to publish; the channel is attached without publish mode')
      }
      const idBase = `${this.connectionId}:${msgSerial}`
      const { identity, connectionId } = this
      const publisher = { identity, connectionId, window: this.#options.window, idBase }
      const publish = preparePublish(this.#service, publisher, frame.channel, frame.messages)
      const run = (): Answer => {
        const answer = { serials: publish.run() }
        if (publish.verdict.loseAck) this.cut()
        return answer
      }
      return publish.verdict.until ? publish.verdict.until.then(run) : run()
    } catch (error) {
      return { error: toErrorInfo(error) }
    }
  }

  async #reauthorize(token: string | undefined) {
    const transport = this.#transport
    try {
      const grant = await this.#service.auth.check({ token })
      if (this.#transport !== transport) return
      this.#welcome(identify(grant, this.identity.clientId))
      for (const attachment of this.#attachments.values()) this.#recheck(attachment)
    } catch (error) {
      if (this.#transport !== transport) return
      this.sendFrame({ action: Action.Error, error: toErrorInfo(error) })
      this.#leave()
    }
  }

  #recheck(attachment: Attachment) {
    const { name } = attachment.channel
    const modes = grantedModes(attachment.modes, this.identity.grant.capability, name)
    if (modes === attachment.modes) return
    attachment.modes = modes
    if (modes !== 0) return announceModes(attachment, this)
    this.#drop(attachment)
    const error = toErrorInfo(notPermitted(`the new token does not allow to stay attached to ${name}`))
    this.sendFrame({ action: Action.Error, channel: attachment.written, error })
  }

  #drop(attachment: Attachment) {
    attachment.channel.attachments.delete(attachment)
    this.#attachments.delete(attachment.written)
  }

  /** Ends the connection for good. */
  #leave() {
    this.#leaveTransport()?.end()
    this.#service.connections.forget(this)
  }

  #lose(transport: Transport) {
    if (transport !== this.#transport) return
    this.#leaveTransport()
    this.#service.connections.linger(this)
  }

  /** Lets go of the transport and of all that was attached on it. */
  #leaveTransport(): Transport | undefined {
    const transport = this.#transport
    this.#transport = undefined
    this.#expiry.stop()
    for (const attachment of this.#attachments.values()) this.#drop(attachment)
    return transport
  }
}
