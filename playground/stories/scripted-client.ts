import type { Realtime } from 'ably'
import type { ChannelMessage } from '../../src/core/wire'
import { createScript, type Cue, type Script } from './script'

type Listener = (value: never) => void

/** A channel's reaction to the page's messages. */
export type Reaction = 'echo' | 'refuse' | 'ignore' | 'hold'

/** The scripts of the channels, by session name. */
export type Scripts = Record<string, { script: Script; reaction?: Reaction }>

/** Creates the part of an Ably client that sessions use. It plays scripts, without a network or server. */
export function createScriptedClient(scripts: Scripts, clientId: string): Realtime {
  const channels = new Map<string, ReturnType<typeof createChannel>>()
  const get = (name: string) => {
    const known = channels.get(name)
    if (known) return known
    const { script, reaction } = scripts[name.slice(name.indexOf(':') + 1)] ?? { script: createScript() }
    const channel = createChannel(script.cues, clientId, reaction)
    channels.set(name, channel)
    return channel
  }
  const client = {
    auth: { clientId },
    connection: { state: 'connected', on: nothing, off: nothing, once: nothing },
    channels: { all: {}, get, release: nothing },
    connect: nothing,
    close: nothing,
  }
  return client as unknown as Realtime
}

const nothing = () => {}

function createChannel(cues: readonly Cue[], clientId: string, reaction: Reaction = 'echo') {
  const now = Date.now()
  const listeners = new Set<Listener>()
  const states = new Set<Listener>()
  const timers: ReturnType<typeof setTimeout>[] = []
  let published = 0
  let versions = 0

  const toMessage = ({ at, serial, message }: Cue): ChannelMessage => ({
    ...message,
    serial,
    version: { serial: `v${String(versions++).padStart(6, '0')}` },
    timestamp: now + at,
  })
  const deliver = (message: ChannelMessage) => {
    for (const listener of listeners) listener(message as never)
  }
  const past = rolledUp(cues.filter(({ at }) => at <= 0)).map(toMessage)
  const channel = {
    state: 'initialized',
    presence: {},
    on: (listener: Listener) => void states.add(listener),
    off: (listener: Listener) => void states.delete(listener),
    once: nothing,
    async subscribe(listener: Listener) {
      listeners.add(listener)
      await channel.attach()
    },
    unsubscribe: (listener: Listener) => void listeners.delete(listener),
    async attach() {
      if (channel.state === 'attached') return
      channel.state = 'attached'
      for (const listener of states) listener({ current: 'attached', resumed: false } as never)
      const later = cues.filter(({ at }) => at > 0)
      for (const cue of later) timers.push(setTimeout(() => deliver(toMessage(cue)), cue.at))
    },
    async detach() {
      channel.state = 'detached'
      for (const timer of timers.splice(0)) clearTimeout(timer)
    },
    history: async () => ({ items: past.toReversed(), hasNext: () => false }),
    async publish(messages: readonly ChannelMessage[]) {
      if (reaction === 'refuse') throw new Error('the channel takes no messages today')
      if (reaction === 'hold') await new Promise(nothing)
      const serials = messages.map(() => `z${String(published++).padStart(5, '0')}`)
      if (reaction === 'ignore') return { serials }
      for (const [index, message] of messages.entries()) {
        const cue = {
          at: Date.now() - now,
          serial: serials[index]!,
          message: { action: 'message.create', ...message, clientId },
        }
        setTimeout(() => deliver(toMessage(cue)), 60)
      }
      return { serials }
    },
  }
  return channel
}

/** Merges appends, because history contains each message once, with its full text. */
function rolledUp(cues: readonly Cue[]): Cue[] {
  const whole = new Map<string, Cue>()
  for (const cue of cues) {
    const known = whole.get(cue.serial)
    if (!known) whole.set(cue.serial, cue)
    else {
      const data = `${String(known.message.data)}${String(cue.message.data)}`
      whole.set(cue.serial, { ...known, message: { ...cue.message, action: 'message.update', data } })
    }
  }
  return [...whole.values()]
}
