import type { UIMessage } from 'ai'
import type { ViewMessage } from 'vue-ai-transport'

/** A message as a view shows it. */
export type Message = ViewMessage<UIMessage>
