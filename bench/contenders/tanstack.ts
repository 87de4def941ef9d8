import type { StreamChunk } from '@tanstack/ai'
import { stream as connect, useChat } from '@tanstack/ai-vue'
import { effectScope } from 'vue'
import { paragraph } from '../conversation.ts'
import { pastOf, type ChatClient } from './chat.ts'
import { feed } from './feed.ts'

/**
 * `@tanstack/ai-vue`, connected to a stream in this process. It waits for a timer after each chunk, which is
 * most of its time.
 */
export const tanstack: ChatClient = {
  name: '@tanstack/ai-vue',
  async open(length, screen) {
    const { stream, push } = feed<StreamChunk>()
    const scope = effectScope()
    const { sendMessage, ...shown } = scope.run(() => {
      // NOTE: with an id of its own it needs no component
      const options = {
        id: 'bench',
        initialMessages: pastOf(length - 2, { type: 'text', content: paragraph }),
        connection: connect(() => stream),
      }
      const { messages, sendMessage } = useChat(options)
      return { sendMessage, ...screen(messages, lastText) }
    })!
    void sendMessage('And then?')
    const timestamp = 0
    push(
      { type: 'RUN_STARTED', runId: 'run', timestamp },
      { type: 'TEXT_MESSAGE_START', messageId: 'reply', role: 'assistant', timestamp },
    )
    const said = { type: 'TEXT_MESSAGE_CONTENT', messageId: 'reply', timestamp } as const
    return {
      ...shown,
      hear: (deltas) => push(...deltas.map((delta) => ({ ...said, delta }))),
      close: () => scope.stop(),
    }
  },
}

type Shown = ReturnType<typeof useChat>['messages']['value'][number]

function lastText(message: Shown | undefined): string {
  const part = message?.parts.at(-1)
  return part?.type === 'text' ? part.content : ''
}
