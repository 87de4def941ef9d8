import { useChat } from '@ai-sdk/vue'
import type { UIMessageChunk } from 'ai'
import { effectScope } from 'vue'
import { paragraph } from '../conversation.ts'
import { pastOf, type ChatClient } from './chat.ts'
import { feed } from './feed.ts'
import { lastText } from './last-text.ts'

/** `@ai-sdk/vue`, whose transport is a stream in this process. */
export const aiSdk: ChatClient = {
  name: '@ai-sdk/vue',
  async open(length, screen) {
    const { stream, push } = feed<UIMessageChunk>()
    const scope = effectScope()
    const transport = { sendMessages: async () => stream, reconnectToStream: async () => null }
    const { sendMessage, ...shown } = scope.run(() => {
      const { messages, sendMessage } = useChat({
        messages: pastOf(length - 2, { type: 'text', text: paragraph }),
        transport,
      })
      return { sendMessage, ...screen(messages, lastText) }
    })!
    void sendMessage({ text: 'And then?' })
    push({ type: 'start', messageId: 'reply' }, { type: 'start-step' }, { type: 'text-start', id: 'text' })
    return {
      ...shown,
      hear: (deltas) => push(...deltas.map((delta) => ({ type: 'text-delta', id: 'text', delta }) as const)),
      close: () => scope.stop(),
    }
  },
}
