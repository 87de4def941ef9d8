import { createMistral } from '@ai-sdk/mistral'
import { checkCalls, checkContent, readChat, writeChat } from './chat'
import { bad, type Json, type Provider, type Refusal } from './dialect'

/** Roles that may follow a role. */
const followers: Readonly<Record<string, readonly string[]>> = {
  user: ['assistant', 'user', 'system'],
  assistant: ['assistant', 'user', 'tool'],
  tool: ['assistant', 'tool'],
}

// Rules of https://docs.mistral.ai/capabilities/function_calling and of the validator that Mistral publishes,
// https://github.com/mistralai/mistral-common/blob/main/src/mistral_common/protocol/instruct/validator.py:
// - the last message is of the role user or tool, or of the assistant with `prefix: true`
// - a message of the user does not follow one of a tool directly
// - ids of calls are 9 letters and digits
// - each call has its answer; a message of the assistant has content or calls
function checkOrder({ messages }: Json): Refusal | undefined {
  const all = messages as Json[]
  for (const [index, { role, tool_calls: calls, prefix }] of all.entries()) {
    const next = all[index + 1]
    if (prefix) return bad('the answer would go on from the last message of the assistant')
    if (next && !followers[role as string]?.includes(next.role as string))
      return bad(`Unexpected role '${next.role as string}' after role '${role as string}'`)
    const wrong = ((calls ?? []) as Json[]).find(({ id }) => !/^[a-zA-Z0-9]{9}$/.test(id as string))
    if (wrong) return bad(`Tool call id was ${wrong.id as string} but must be a-z, A-Z, 0-9, with a length of 9.`)
  }
  const last = all.at(-1)?.role as string
  return ['user', 'tool'].includes(last) ? undefined : bad(`Expected last role User or Tool but got ${last}`)
}

export const mistral: Provider = {
  name: 'Mistral',
  thoughts: 'sent',
  lacks: { search: 'runs no tools in this API' },
  model: (baseURL) => createMistral({ apiKey: 'key', baseURL })('magistral-medium-latest'),
  open() {
    let count = 0
    return {
      check: (body) => checkOrder(body) ?? checkCalls(body) ?? checkContent(body),
      read: readChat,
      write: (answer) =>
        writeChat(
          answer,
          () => String(++count).padStart(9, 'c'),
          (text) => ({ content: [{ type: 'thinking', thinking: [{ type: 'text', text }] }] }),
        ),
    }
  },
}
