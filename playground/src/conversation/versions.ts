import type { UIMessage } from 'ai'
import type { View } from 'vue-ai-transport'
import type { Exchange } from './exchange'
import type { Message } from './types'

/** A version of a prompt with its newest answer, or a version of an answer. */
export function versionOf(view: View<UIMessage>, message: Message): Exchange {
  const { id } = message
  const run = view.runOf(id)
  return {
    id,
    place: id,
    lane: 0,
    ...(message.message.role === 'user' && { prompt: message }),
    ...(run && { run }),
    replies: run ? view.messagesOf(run.runId) : [],
  }
}
