import type { Capability } from '../auth/capability'
import { permit } from '../auth/identity'
import { announceModes, attach, loseContinuity } from '../channel/attach'
import type { Attachment, Receiver } from '../channel/attachment'
import type { Channel } from '../channel/channel'
import { readChannelName } from '../channel/channel-name'
import { grantedModes } from '../channel/modes'
import { sendMembers } from '../channel/sync'
import type { App } from '../app'
import { notPermitted, ProtocolError, toErrorInfo } from '../wire/error'
import { Action, Flag, type ClientFrame } from '../wire/protocol'
import type { Membership } from './membership'

/** The attachments on the transport of one connection, by the channel names that the client uses. */
export class Attachments {
  readonly #byName = new Map<string, Attachment>()
  readonly #app: App
  readonly #receiver: Receiver
  readonly #membership: Membership

  constructor(app: App, receiver: Receiver, membership: Membership) {
    this.#app = app
    this.#receiver = receiver
    this.#membership = membership
  }

  /** The attachment by that name, if there is one. */
  find(written: string | undefined): Attachment | undefined {
    return this.#byName.get(written ?? '')
  }

  /**
   * Answers an ATTACH.
   * @throws ProtocolError 40010 (name), 90010 (too many), 40160 (no mode left)
   */
  attach(frame: ClientFrame, capability: Capability) {
    const name = readChannelName(frame.channel)
    const written = frame.channel ?? name.name
    const current = this.#byName.get(written)
    const { limits, channels, now } = this.#app
    if (!current && this.#byName.size >= limits.maxAttachments) {
      throw new ProtocolError(90_010, 400, `unable to attach to more than ${limits.maxAttachments} channels`)
    }
    const channel = channels.open(name.name)
    const request = { frame, name, channel, capability, receiver: this.#receiver, current, now: now() }
    try {
      this.#byName.set(written, attach(request))
    } catch (error) {
      // NOTE: a connection that came back with another token may have members there
      if (!current) this.#membership.leave(channel)
      throw error
    }
  }

  /** Answers a DETACH. The connection's members leave. */
  detach({ channel }: ClientFrame) {
    this.drop(channel)
    this.#receiver.sendFrame({ action: Action.Detached, channel })
  }

  /** Answers a SYNC with the members. */
  sync({ channel }: ClientFrame) {
    const attachment = this.find(channel)
    if (attachment?.has(Flag.PresenceSubscribe)) sendMembers(attachment, this.#receiver)
  }

  /** Ends an attachment and the presence that came with it. */
  drop(written: string | undefined) {
    const attachment = this.find(written)
    if (!attachment) return
    this.#remove(attachment)
    this.#membership.leave(attachment.channel)
  }

  /** Ends all attachments with their transport. Members may stay. */
  clear() {
    for (const attachment of this.#byName.values()) this.#remove(attachment)
  }

  /** Checks every attachment against a new capability. */
  recheck(capability: Capability) {
    for (const attachment of this.#byName.values()) this.#recheck(attachment, capability)
  }

  /** Tells the client, if it is attached, that it may have missed messages of the channel. */
  breakContinuity(channel: Channel) {
    for (const attachment of this.#byName.values()) {
      if (attachment.channel === channel) loseContinuity(attachment, this.#receiver)
    }
  }

  #recheck(attachment: Attachment, capability: Capability) {
    const { channel, written } = attachment
    const modes = grantedModes(attachment.requested, capability, channel.name)
    if (modes === attachment.modes) return
    attachment.modes = modes
    if (!attachment.has(Flag.Presence)) this.#membership.leave(channel)
    if (modes !== 0) return announceModes(attachment, this.#receiver)
    this.drop(written)
    const error = toErrorInfo(notPermitted(`the new token does not allow to stay attached to ${channel.name}`))
    this.#receiver.sendFrame({ action: Action.Error, channel: written, error })
  }

  #remove(attachment: Attachment) {
    attachment.channel.attachments.delete(attachment)
    this.#byName.delete(attachment.written)
  }
}

/** @throws ProtocolError 40160 when an attachment, or the client's token, does not allow an operation */
export function needMode(attachment: Attachment, mode: number, operation: string, capability: Capability) {
  if (attachment.has(mode)) return
  permit(capability, attachment.channel.name, operation)
  throw notPermitted(`unable to use ${operation}; the channel is attached without that mode`)
}
