import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { checkCalls, checkContent, readChat, writeChat } from './chat'
import { bad, type Json, type Provider, type Refusal } from './dialect'

// Rules of chat templates on servers such as llama.cpp, vLLM and LM Studio:
// - "After the optional system message, conversation roles must alternate user and assistant roles except for tool calls and
//   results" (the template of https://huggingface.co/mistralai/Devstral-Small-2-24B-Instruct-2512, and alike without tools
//   that of https://huggingface.co/google/gemma-3-27b-it)
// - the last message is not of the assistant: a generation prompt is added behind it
//   (https://huggingface.co/docs/transformers/chat_templating, `add_generation_prompt`)
function checkTurns({ messages }: Json): Refusal | undefined {
  const turns = (messages as Json[]).filter(({ role, tool_calls: calls }) => role !== 'tool' && !calls)
  const wrong = turns.findIndex(({ role }, index) => (role === 'user') !== (index % 2 === 0))
  if (wrong >= 0)
    return bad('conversation roles must alternate user and assistant roles except for tool calls and results')
  return (messages as Json[]).at(-1)?.role === 'assistant' ? bad('the last message is of the assistant') : undefined
}

export const template: Provider = {
  name: 'OpenAI-compatible, strict template',
  thoughts: 'sent',
  lacks: { search: 'runs no tools' },
  model: (baseURL) => createOpenAICompatible({ name: 'own', apiKey: 'key', baseURL })('devstral'),
  open() {
    let count = 0
    return {
      check: (body) => checkTurns(body) ?? checkCalls(body) ?? checkContent(body),
      read: readChat,
      write: (answer) =>
        writeChat(
          answer,
          () => `chatcmpl-tool-${++count}`,
          (text) => ({ reasoning_content: text }),
        ),
    }
  },
}
