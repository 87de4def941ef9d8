import { anthropic } from './anthropic'
import type { Provider } from './dialect'
import { google } from './google'
import { mistral } from './mistral'
import { openaiChat } from './openai-chat'
import { openaiResponses, openaiUnstored } from './openai-responses'
import { template } from './template'

export const providers: readonly Provider[] = [
  openaiResponses,
  openaiUnstored,
  openaiChat,
  anthropic,
  google,
  mistral,
  template,
]
