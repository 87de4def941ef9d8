import { FakeChannel } from '../../test/support/fake-ably.ts'
import { Conversation, messagesOf } from '../conversation.ts'
import type { Ours } from '../ours.ts'
import type { ChatClient, Screen } from './chat.ts'
import { lastText } from './last-text.ts'
import { openView } from './ours.ts'

/** This package, on a channel in this process. */
export const ourChat = (client: Ours['client']): ChatClient => ({
  name: 'ours',
  async open(length, screen) {
    const conversation = new Conversation()
    const past = messagesOf(conversation, length - 2).toReversed()
    const channel = new FakeChannel((from, to) => past.slice(from, to))
    let shown: Screen
    const { view, close } = await openView(client, channel, ({ messages }) => {
      shown = screen(messages, (last) => lastText(last?.message))
    })
    if (past.length > 0) await view.loadOlder(length - 2)
    const prompt = conversation.prompt('And then?')
    const reply = conversation.reply()
    const part = reply.text()
    for (const message of [prompt, ...reply.lead, part.start]) channel.deliver(message)
    return {
      ...shown!,
      hear: (deltas) => deltas.forEach((delta) => channel.deliver(part.token(delta))),
      close,
    }
  },
})
