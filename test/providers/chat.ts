import { bad, inputText, isBlank, isOpenMove, Lines, type Answer, type Json, type Line, type Refusal } from './dialect'

/** Text of a content, which may be a text or a list of parts. */
export const textIn = (content: unknown, between = ''): string =>
  typeof content === 'string'
    ? content
    : ((content ?? []) as Json[]).flatMap(({ type, text }) => (type === 'text' ? [text as string] : [])).join(between)

const callsIn = (message: Json): Json[] => (message.tool_calls ?? []) as Json[]

/** The messages of a Chat Completions request. */
export function readChat({ messages }: Json): Line[] {
  const lines = new Lines()
  const names = new Map<string, string>()
  for (const message of messages as Json[]) {
    if (message.role === 'user') lines.user(textIn(message.content, ' + '))
    if (message.role === 'tool') lines.tool(names.get(message.tool_call_id as string) ?? '?', message.content)
    if (message.role !== 'assistant') continue
    lines.apart()
    const thoughts =
      Array.isArray(message.content) && (message.content as Json[]).some(({ type }) => type === 'thinking')
    lines.assistant({ text: textIn(message.content), thought: thoughts || !isBlank(message.reasoning_content) })
    for (const { id, function: called } of callsIn(message)) {
      names.set(id as string, (called as Json).name as string)
      lines.assistant({ call: (called as Json).name as string })
    }
  }
  return lines.all
}

/** Each call is answered by tool messages right after its message, and by nothing else. */
export function checkCalls({ messages }: Json): Refusal | undefined {
  const all = messages as Json[]
  for (const [index, message] of all.entries()) {
    if (message.role === 'tool') {
      const asked = all.slice(0, index).findLast(({ role }) => role !== 'tool')
      if (!asked || !callsIn(asked).some(({ id }) => id === message.tool_call_id))
        return bad(`messages[${index}] with role 'tool' must be a response to a preceding message with 'tool_calls'`)
    }
    if (message.role !== 'assistant') continue
    if (message.tool_calls !== undefined && callsIn(message).length === 0)
      return bad(`messages[${index}]: tool_calls is empty`)
    const end = all.findIndex(({ role }, at) => at > index && role !== 'tool')
    const answered = all.slice(index + 1, end < 0 ? undefined : end).map(({ tool_call_id: id }) => id as string)
    const asked = callsIn(message).map(({ id }) => id as string)
    if (asked.toSorted().join() !== answered.toSorted().join())
      return bad(`messages[${index}]: tool_calls ${asked.join()} are followed by answers to ${answered.join()}`)
    for (const { function: called } of callsIn(message)) JSON.parse((called as Json).arguments as string)
  }
  return undefined
}

/** An assistant message has content or calls. */
export function checkContent({ messages }: Json): Refusal | undefined {
  for (const [index, { role, content, ...message }] of (messages as Json[]).entries()) {
    const isEmpty = isBlank(textIn(content)) && callsIn(message).length === 0
    if (isEmpty && role !== 'tool') return bad(`messages[${index}]: ${role as string} message without content`)
  }
  return undefined
}

/**
 * The chunks of a Chat Completions stream.
 *
 * @param newCallId - ids that the provider gives to calls
 * @param think - the delta of a thought; without it the provider tells no thoughts
 */
export function writeChat(answer: Answer, newCallId: () => string, think?: (text: string) => Json): Json[] {
  const chunk = (delta: Json, finish: string | null = null): Json => ({
    id: 'chat',
    object: 'chat.completion.chunk',
    created: 1,
    model: 'model',
    choices: [{ index: 0, delta, finish_reason: finish }],
  })
  let calls = 0
  const chunks = answer.moves.flatMap((move, index): Json[] => {
    if ('think' in move) return think ? [chunk({ role: 'assistant', ...think(move.think) })] : []
    if ('say' in move) return [chunk({ role: 'assistant', content: move.say })]
    if ('search' in move) throw new Error('the provider runs no tools')
    const called = { name: move.call, arguments: inputText(isOpenMove(answer, index)) }
    return [
      chunk({
        role: 'assistant',
        tool_calls: [{ index: calls++, id: newCallId(), type: 'function', function: called }],
      }),
    ]
  })
  if (answer.ending !== 'end') return chunks
  const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 }
  return [...chunks, { ...chunk({}, calls > 0 ? 'tool_calls' : 'stop'), usage }]
}
