import { Attachment, type Receiver } from './attachment'
import type { Capability } from '../auth/capability'
import type { ChannelName } from './channel-name'
import type { Channel } from './channel'
import { notPermitted, ProtocolError, toErrorInfo, type ErrorInfo } from '../wire/error'
import { grantedModes, requestedModes } from './modes'
import { Action, Flag, type ClientFrame } from '../wire/protocol'
import { readRewind } from './rewind'
import { hasPresence, sendMembers } from './sync'
import type { Entry } from './log'

/** Supported parameters; others are not echoed. */
const KNOWN_PARAMS = new Set(['rewind', 'modes', 'appendMode', 'delta'])

/** Where an attachment starts in the log. */
interface Position {
  /** Channel serial that the client continues from. */
  channelSerial: string
  resumed: boolean
  backlog: readonly Entry[]
  error?: ErrorInfo
}

/** The input for answering an ATTACH. */
interface AttachRequest {
  frame: ClientFrame
  name: ChannelName
  channel: Channel
  capability: Capability
  receiver: Receiver
  /** The attachment that this transport already has on the channel. */
  current?: Attachment
  now: number
}

/**
 * Answers an ATTACH: ATTACHED with the granted modes, the members, then the missed messages. From then on it is live.
 * @throws ProtocolError 40160 if no mode is left, 40000 for parameters that cannot be read
 */
export function attach(request: AttachRequest): Attachment {
  const { frame, name, channel, capability, receiver, current } = request
  const params = new Map([...name.params, ...frame.params].filter(([key]) => KNOWN_PARAMS.has(key)))
  const requested = requestedModes(frame.flags, params.get('modes'))
  const modes = grantedModes(requested, capability, name.name)
  if (modes === 0) throw notPermitted(`unable to attach to ${name.name}; the capability allows no mode`)

  const position = current && frame.channelSerial ? keepPosition(channel) : findPosition(request, params)
  const attachment = new Attachment(channel, frame.channel ?? name.name, requested, modes, params, receiver)
  if (current && frame.channelSerial) attachment.inherit(current)
  sendAttached(attachment, receiver, position)
  attachment.replay(position.backlog, position.channelSerial, channel.log.head)
  if (current) channel.attachments.delete(current)
  channel.attachments.add(attachment)
  return attachment
}

/** Tells an attached client that it may have missed messages: attached as before, but not resumed. */
export function loseContinuity(attachment: Attachment, receiver: Receiver) {
  const { head } = attachment.channel.log
  sendAttached(attachment, receiver, { channelSerial: head, resumed: false, backlog: [], error: lost() })
}

/** Tells an attached client which modes it has now. */
export function announceModes(attachment: Attachment, receiver: Receiver) {
  sendAttached(attachment, receiver, keepPosition(attachment.channel))
}

function sendAttached(attachment: Attachment, receiver: Receiver, position: Position) {
  const isPeopled = hasPresence(attachment)
  const backlog = position.backlog.length > 0 ? Flag.HasBacklog : 0
  const presence = isPeopled ? Flag.HasPresence : 0
  receiver.sendFrame({
    action: Action.Attached,
    channel: attachment.written,
    channelSerial: position.channelSerial,
    flags: attachment.modes | backlog | presence | (position.resumed ? Flag.Resumed : 0),
    params: Object.fromEntries(attachment.params),
    error: position.error,
  })
  if (isPeopled) sendMembers(attachment, receiver)
}

// NOTE: the frames of one socket arrive in order, so an attached client has everything up to the head
const keepPosition = (channel: Channel): Position => ({
  channelSerial: channel.log.head,
  resumed: true,
  backlog: [],
})

function findPosition(request: AttachRequest, params: ReadonlyMap<string, string>): Position {
  const { frame, channel, receiver, now } = request
  const { log } = channel
  const rewind = params.get('rewind')
  if (frame.channelSerial === undefined) {
    const isOldResume = (frame.flags & Flag.AttachResume) !== 0
    const backlog = rewind === undefined || isOldResume ? [] : log.newest(readRewind(rewind, now))
    const [first] = backlog
    return { channelSerial: first ? log.serialBefore(first) : log.head, resumed: false, backlog }
  }
  if (!log.covers(frame.channelSerial)) return { channelSerial: log.head, resumed: false, backlog: [], error: lost() }
  const since = frame.channelSerial
  const isWanted = ({ changedBy, othersAt }: Entry) =>
    receiver.echo || changedBy !== receiver.connectionId || othersAt > since
  const backlog = log.changedAfter(since).filter(isWanted)
  return { channelSerial: frame.channelSerial, resumed: true, backlog }
}

const lost = () =>
  toErrorInfo(new ProtocolError(90_003, 400, 'unable to recover channel; its messages since then are not known'))
