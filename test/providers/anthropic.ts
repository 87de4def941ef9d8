import { createAnthropic } from '@ai-sdk/anthropic'
import { bad, inputText, isBlank, isOpenMove, Lines } from './dialect'
import type { Answer, Json, Line, Provider, Refusal } from './dialect'

const blocksOf = ({ content }: Json): Json[] =>
  typeof content === 'string' ? [{ type: 'text', text: content }] : (content as Json[])
const ids = (blocks: readonly Json[], type: string, field: string): string[] =>
  blocks.filter((block) => block.type === type).map((block) => block[field] as string)

// Rules of the Messages API, https://platform.claude.com/docs/en/api/messages and, for tools and thoughts,
// .../agents-and-tools/tool-use/handle-tool-calls and .../build-with-claude/extended-thinking:
// - the first message is of the user, roles alternate, and no message is empty
// - a text block is not blank; the text of the last assistant message has no white space at its end
// - `tool_use` blocks are answered by `tool_result` blocks at the beginning of the next message; ids are unique
// - a thinking block has a signature of the API, and is not the last block of its message
// - with thinking on, the message before the last tool results begins with a thinking block
// - a server tool has its result in the same message
// - recent models refuse a last message of the assistant
class Rules {
  readonly #signatures: ReadonlySet<string>

  constructor(signatures: ReadonlySet<string>) {
    this.#signatures = signatures
  }

  check({ messages, thinking }: Json): Refusal | undefined {
    const all = messages as Json[]
    if (all[0]?.role !== 'user') return bad('messages: first message must use the "user" role')
    const seen = new Set<string>()
    for (const [index, message] of all.entries()) {
      const blocks = blocksOf(message)
      const at = `messages.${index}`
      if (message.role === all[index - 1]?.role) return bad(`${at}: roles must alternate`)
      if (blocks.length === 0) return bad(`${at}: messages must have non-empty content`)
      const why = message.role === 'assistant' ? this.#checkAnswer(blocks, seen) : undefined
      if (why) return bad(`${at}: ${why}`)
      if (blocks.some(({ type, text }) => type === 'text' && isBlank(text)))
        return bad(`${at}: text content blocks must be non-empty`)
      const asked = index === 0 ? [] : ids(blocksOf(all[index - 1]!), 'tool_use', 'id')
      const given = ids(blocks.slice(0, asked.length), 'tool_result', 'tool_use_id')
      if (message.role === 'user' && asked.toSorted().join() !== given.toSorted().join())
        return bad(`${at}: tool_use ids ${asked.join()} were found without tool_result blocks immediately after`)
      if (ids(blocks, 'tool_result', 'tool_use_id').length > asked.length)
        return bad(`${at}: unexpected tool_use_id found in tool_result blocks`)
    }
    const last = all.at(-1)!
    if (last.role !== 'user') return bad('the conversation must end with a user message')
    const isLoop = blocksOf(last).every(({ type }) => type === 'tool_result')
    const begins = blocksOf(all.at(-2) ?? { content: [] })[0]?.type as string
    if (isLoop && (thinking as Json)?.type === 'enabled' && !begins.endsWith('thinking'))
      return bad(`Expected thinking, but found ${begins}: a final assistant message must start with a thinking block`)
    return undefined
  }

  #checkAnswer(blocks: readonly Json[], seen: Set<string>): string | undefined {
    if ((blocks.at(-1)!.type as string).endsWith('thinking')) return 'the final block cannot be thinking'
    const unsigned = blocks.find(
      ({ type, signature }) => type === 'thinking' && !this.#signatures.has(signature as string),
    )
    if (unsigned) return 'Invalid signature in thinking block'
    const asked = ids(blocks, 'server_tool_use', 'id')
    if (asked.join() !== ids(blocks, 'web_search_tool_result', 'tool_use_id').join())
      return 'web_search tool use was found without a corresponding web_search_tool_result block'
    for (const id of ids(blocks, 'tool_use', 'id')) {
      if (seen.has(id) || !/^[a-zA-Z0-9_-]+$/.test(id)) return `tool_use id ${id} is not unique or malformed`
      seen.add(id)
    }
    return undefined
  }
}

function read({ messages }: Json): Line[] {
  const lines = new Lines()
  const names = new Map<string, string>()
  for (const message of messages as Json[]) {
    for (const block of blocksOf(message)) {
      const { type } = block
      if (type === 'tool_result') lines.tool(names.get(block.tool_use_id as string) ?? '?', block.content)
      if (type === 'tool_use') names.set(block.id as string, block.name as string)
      if (type === 'tool_use') lines.assistant({ call: block.name as string })
      if (type === 'server_tool_use') lines.assistant({ call: 'search' })
      if (type === 'thinking') lines.assistant({ thought: true })
      if (type === 'text' && message.role === 'assistant') lines.assistant({ text: block.text as string })
    }
    const texts = blocksOf(message).flatMap(({ type, text }) => (type === 'text' ? [text as string] : []))
    if (message.role === 'user' && texts.length > 0) lines.user(texts.join(' + '))
  }
  return lines.all
}

function write(answer: Answer, newId: () => string): Json[] {
  const usage = { input_tokens: 1, output_tokens: 1 }
  const events: Json[] = [
    {
      type: 'message_start',
      message: { id: 'msg', type: 'message', role: 'assistant', model: 'claude', content: [], usage },
    },
  ]
  let index = 0
  const block = (content: Json, deltas: Json[], isOpen: boolean): void => {
    events.push({ type: 'content_block_start', index, content_block: content })
    for (const delta of deltas) events.push({ type: 'content_block_delta', index, delta })
    if (!isOpen) events.push({ type: 'content_block_stop', index })
    index++
  }
  for (const [at, move] of answer.moves.entries()) {
    const isOpen = isOpenMove(answer, at)
    if ('think' in move) {
      const signature = isOpen ? [] : [{ type: 'signature_delta', signature: newId() }]
      block(
        { type: 'thinking', thinking: '' },
        [{ type: 'thinking_delta', thinking: move.think }, ...signature],
        isOpen,
      )
    } else if ('say' in move) {
      block({ type: 'text', text: '' }, [{ type: 'text_delta', text: move.say }], isOpen)
    } else if ('call' in move) {
      const text = inputText(isOpen)
      block(
        { type: 'tool_use', id: newId(), name: move.call, input: {} },
        [{ type: 'input_json_delta', partial_json: text }],
        isOpen,
      )
    } else {
      const id = newId()
      const query = { type: 'input_json_delta', partial_json: JSON.stringify({ query: move.search }) }
      block({ type: 'server_tool_use', id, name: 'web_search', input: {} }, [query], false)
      const found = {
        type: 'web_search_result',
        url: 'https://a.example/',
        title: 'A',
        encrypted_content: 'x',
        page_age: null,
      }
      if (!isOpen) block({ type: 'web_search_tool_result', tool_use_id: id, content: [found] }, [], false)
    }
  }
  if (answer.ending !== 'end') return events
  const reason = answer.moves.some((move) => 'call' in move) ? 'tool_use' : 'end_turn'
  return [...events, { type: 'message_delta', delta: { stop_reason: reason }, usage }, { type: 'message_stop' }]
}

export const anthropic: Provider = {
  name: 'Anthropic Messages',
  thoughts: 'sent',
  lacks: {},
  model: (baseURL) => createAnthropic({ apiKey: 'key', baseURL })('claude-sonnet-4-5'),
  options: { anthropic: { thinking: { type: 'enabled', budgetTokens: 1024 } } },
  tools: () => ({ search: createAnthropic({ apiKey: 'key' }).tools.webSearch_20250305() }),
  open() {
    const given = new Set<string>()
    const rules = new Rules(given)
    const newId = (): string => {
      const id = `toolu_${given.size}`
      given.add(id)
      return id
    }
    return { check: (body) => rules.check(body), read, write: (answer) => write(answer, newId) }
  },
}
