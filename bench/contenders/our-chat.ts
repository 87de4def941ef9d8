import { FakeChannel } from '../../test/support/fake-ably.ts'
import { Conversation, messagesOf } from '../conversation.ts'
import type { ChatClient } from './chat.ts'
import type { Contender } from './contender.ts'

/** A contender that hears a channel, as a chat. */
export const chatOf = ({ name, follow }: Contender): ChatClient => ({
  name,
  async open(length) {
    const conversation = new Conversation()
    const past = messagesOf(conversation, length - 2).toReversed()
    const channel = new FakeChannel((from, to) => past.slice(from, to))
    const { load, count, text, close } = await follow(channel)
    if (past.length > 0) await load(length - 2)
    const prompt = conversation.prompt('And then?')
    const reply = conversation.reply()
    const part = reply.text()
    for (const message of [prompt, ...reply.lead, part.start]) channel.deliver(message)
    return {
      count,
      hear: (deltas) => deltas.forEach((delta) => channel.deliver(part.token(delta))),
      async shows(ending) {
        if (!text().endsWith(ending)) throw new Error(`${name} shows "${text().slice(-40)}"`)
      },
      close: () => void close(),
    }
  },
})
