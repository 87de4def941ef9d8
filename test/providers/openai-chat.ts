import { createOpenAI } from '@ai-sdk/openai'
import { checkCalls, checkContent, readChat, writeChat } from './chat'
import type { Provider } from './dialect'

// Rules of Chat Completions, https://platform.openai.com/docs/api-reference/chat/create:
// - a message with `tool_calls` is followed by one message of the role `tool` for each `tool_call_id`, and nothing between
// - a message of the role `tool` answers a call of the message before it
// - `content` of an assistant message is required unless it has `tool_calls`; `tool_calls` is not empty
export const openaiChat: Provider = {
  name: 'OpenAI Chat Completions',
  thoughts: 'none',
  lacks: { thoughts: 'tells no thoughts', search: 'runs no tools' },
  model: (baseURL) => createOpenAI({ apiKey: 'key', baseURL }).chat('gpt-5-mini'),
  open() {
    let count = 0
    return {
      check: (body) => checkCalls(body) ?? checkContent(body),
      read: readChat,
      write: (answer) => writeChat(answer, () => `call_${++count}`),
    }
  },
}
