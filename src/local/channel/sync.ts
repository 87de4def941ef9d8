import { Action, Flag } from '../wire/protocol'
import type { Attachment, Receiver } from './attachment'
import { writePresence } from './member'

/** Members in one SYNC frame. */
const PAGE = 100

/** Whether an attachment receives the members at once. */
export const hasPresence = (attachment: Attachment) =>
  attachment.has(Flag.PresenceSubscribe) && attachment.channel.presence.size > 0

/** Sends the members to an attached client in pages; without members, one empty page. */
export function sendMembers({ channel, written }: Attachment, receiver: Receiver) {
  const { members } = channel.presence
  const syncId = channel.head.replace(/\W/g, '-')
  for (let from = 0; from === 0 || from < members.length; from += PAGE) {
    const isLast = from + PAGE >= members.length
    receiver.sendFrame({
      action: Action.Sync,
      channel: written,
      channelSerial: `${syncId}:${isLast ? '' : from + PAGE}`,
      timestamp: members[from]?.timestamp,
      presence: members.slice(from, from + PAGE).map((member) => writePresence(member, receiver.format)),
    })
  }
}
