import { allows, type Capability } from '../auth/capability'
import { Flag } from '../wire/protocol'

const modes = {
  presence: { flag: Flag.Presence, operation: 'presence' },
  publish: { flag: Flag.Publish, operation: 'publish' },
  subscribe: { flag: Flag.Subscribe, operation: 'subscribe' },
  presence_subscribe: { flag: Flag.PresenceSubscribe, operation: 'subscribe' },
  annotation_publish: { flag: Flag.AnnotationPublish, operation: 'annotation-publish' },
  annotation_subscribe: { flag: Flag.AnnotationSubscribe, operation: 'annotation-subscribe' },
} as const

const all = Object.values(modes).reduce<number>((bits, mode) => bits | mode.flag, 0)
const byDefault = all & ~Flag.AnnotationSubscribe

/** The mode bits that an ATTACH requests: parameter `modes`, else its flags, else the default. */
export function requestedModes(flags: number, param: string | undefined): number {
  if (param === undefined) return flags & all || byDefault
  const names = param.toLowerCase().split(',')
  return Object.entries(modes).reduce((bits, [name, mode]) => (names.includes(name) ? bits | mode.flag : bits), 0)
}

/** Those of the requested mode bits that the capability allows on the channel. */
export function grantedModes(requested: number, capability: Capability, channel: string): number {
  return Object.values(modes).reduce(
    (bits, { flag, operation }) => (requested & flag && allows(capability, channel, operation) ? bits | flag : bits),
    0,
  )
}
