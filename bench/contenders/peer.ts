import { createClientSession } from '@ably/ai-transport/vercel'
import { fakeAbly } from '../../test/support/fake-ably.ts'
import type { Contender } from './contender.ts'
import { lastText } from './last-text.ts'

/** `@ably/ai-transport` without React: a listener that reads the messages on every update, as its hook does. */
export const peer: Contender = {
  name: '@ably/ai-transport',
  async follow(channel) {
    const session = createClientSession({ client: fakeAbly(channel), channelName: channel.name })
    await session.connect()
    const { view } = session
    const shown = { count: 0, text: '' }
    const stop = view.on('update', () => {
      const messages = view.getMessages()
      shown.count = messages.length
      shown.text = lastText(messages.at(-1)?.message)
    })
    return {
      load: async (count) => void (await view.loadOlder(count)),
      count: () => shown.count,
      text: () => shown.text,
      branch: (id) => view.branchSelection(id),
      close() {
        stop()
        return session.close()
      },
    }
  },
}
