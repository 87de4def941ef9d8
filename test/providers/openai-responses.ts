import { createOpenAI } from '@ai-sdk/openai'
import { bad, inputText, isBlank, isOpenMove, Lines } from './dialect'
import type { Answer, Json, Line, Provider, Refusal, Service } from './dialect'
import { textIn } from './chat'

/** An item of an answer, with the thought that it belongs to. */
interface Item {
  readonly item: Json
  readonly thoughtId?: string
}

// Rules of https://platform.openai.com/docs/api-reference/responses and .../docs/guides/reasoning, as its messages say them:
// - 404 "Item with id ... not found": items are stored when their response has completed, and with `store: false` never
// - "Item rs_... of type 'reasoning' was provided without its required following item", and an item that follows a thought
//   "was provided without its required 'reasoning' item"
// - "No tool output found for function call ...", "No tool call found for function call output with call_id ..."
// - no item twice, no blank text of the assistant
class Responses implements Service {
  readonly #items = new Map<string, Item>()
  readonly #stored = new Set<string>()
  #isStored = true
  #open: string[] = []
  #count = 0

  check({ input, store }: Json): Refusal | undefined {
    this.#isStored = store !== false
    const all = input as Json[]
    const ids = all.flatMap(({ type, id }) => (type === 'item_reference' || type === 'reasoning' ? [id as string] : []))
    const lost = all.find((item) => item.type === 'item_reference' && !this.#stored.has(item.id as string))
    if (lost) return { status: 404, message: `Item with id '${lost.id as string}' not found.` }
    if (new Set(ids).size < ids.length) return bad('Duplicate item found with id')
    const bare = all.find(({ type, encrypted_content: secret }) => type === 'reasoning' && !secret)
    if (bare) return { status: 404, message: `Item with id '${bare.id as string}' not found. Items are not persisted when \`store\` is set to false.` } // prettier-ignore
    if (all.some(({ role, content }) => role === 'assistant' && isBlank(textIn(content)))) return bad('blank text')
    return this.#checkThoughts(all) ?? checkOutputs(all)
  }

  #checkThoughts(all: readonly Json[]): Refusal | undefined {
    for (const [index, item] of all.entries()) {
      const known = this.#known(item)
      const next = this.#known(all[index + 1])
      const isThought = known?.item.type === 'reasoning'
      if (isThought && next?.thoughtId !== known.item.id && !this.#isFollower(all[index + 1], known.item))
        return bad(
          `Item '${known.item.id as string}' of type 'reasoning' was provided without its required following item.`,
        )
      const isReference = item.type === 'item_reference' && known?.thoughtId !== undefined
      const before = all.slice(0, index).some((each) => this.#known(each)?.item.id === known?.thoughtId)
      if (isReference && !before)
        return bad(`Item '${item.id as string}' was provided without its required 'reasoning' item`)
    }
    return undefined
  }

  /** Whether a message without an id is the text that followed a thought. */
  #isFollower(message: Json | undefined, { id }: Json): boolean {
    const follower = [...this.#items.values()].find(({ thoughtId }) => thoughtId === id)?.item
    return message?.role === 'assistant' && follower?.type === 'message' && textOf(follower.content) === message.content
  }

  #known(item: Json | undefined): Item | undefined {
    if (item?.type === 'function_call')
      return [...this.#items.values()].find((each) => each.item.call_id === item.call_id)
    return this.#items.get(item?.id as string)
  }

  read({ input }: Json): Line[] {
    const lines = new Lines()
    const names = new Map<string, string>()
    for (const given of input as Json[]) {
      const item = given.type === 'item_reference' ? this.#items.get(given.id as string)!.item : given
      if (item.role === 'user')
        lines.user(((item.content ?? []) as Json[]).map(({ text }) => text as string).join(' + '))
      if (item.role === 'assistant') lines.assistant({ text: textOf(item.content) })
      if (item.type === 'reasoning') lines.assistant({ thought: true })
      if (item.type === 'web_search_call') lines.assistant({ call: 'search' })
      if (item.type === 'function_call') names.set(item.call_id as string, item.name as string)
      if (item.type === 'function_call') lines.assistant({ call: item.name as string })
      if (item.type === 'function_call_output') lines.tool(names.get(item.call_id as string) ?? '?', item.output)
    }
    return lines.all
  }

  finished(): void {
    if (this.#isStored) for (const id of this.#open) this.#stored.add(id)
  }

  write(answer: Answer): Json[] {
    this.#open = []
    let thoughtId: string | undefined
    const response = { id: `resp_${++this.#count}`, object: 'response', created_at: 1, model: 'gpt-5-mini', output: [] }
    const events: Json[] = [{ type: 'response.created', response: { ...response, status: 'in_progress' } }]
    for (const [index, move] of answer.moves.entries()) {
      const item = this.#itemOf(move, thoughtId)
      const isOpen = isOpenMove(answer, index)
      events.push(...eventsOf(item, index, isOpen))
      thoughtId = item.type === 'reasoning' ? (item.id as string) : undefined
    }
    const usage = { input_tokens: 1, output_tokens: 1, input_tokens_details: { cached_tokens: 0 }, output_tokens_details: { reasoning_tokens: 0 } } // prettier-ignore
    if (answer.ending === 'end')
      events.push({ type: 'response.completed', response: { ...response, status: 'completed', usage } })
    return events.map((event, index) => ({ ...event, sequence_number: index }))
  }

  #itemOf(move: Answer['moves'][number], thoughtId: string | undefined): Json {
    const number = ++this.#count
    const item: Json =
      'think' in move
        ? {
            id: `rs_${number}`,
            type: 'reasoning',
            summary: [{ type: 'summary_text', text: move.think }],
            encrypted_content: `secret-${number}`,
          }
        : 'say' in move
          ? {
              id: `msg_${number}`,
              type: 'message',
              role: 'assistant',
              status: 'completed',
              content: [{ type: 'output_text', text: move.say, annotations: [] }],
            }
          : 'call' in move
            ? {
                id: `fc_${number}`,
                type: 'function_call',
                name: move.call,
                call_id: `call_${number}`,
                status: 'completed',
              }
            : {
                id: `ws_${number}`,
                type: 'web_search_call',
                status: 'completed',
                action: { type: 'search', query: move.search },
              }
    this.#items.set(item.id as string, { item, ...(thoughtId !== undefined && { thoughtId }) })
    this.#open.push(item.id as string)
    return item
  }
}

const textOf = (content: unknown): string =>
  typeof content === 'string' ? content : (content as Json[]).map(({ text }) => text as string).join('')

function eventsOf(item: Json, index: number, isOpen: boolean): Json[] {
  const at = { output_index: index, item_id: item.id as string }
  const whole = item.type === 'function_call' ? { ...item, arguments: inputText(false) } : item
  const added = {
    type: 'response.output_item.added',
    ...at,
    item: { ...item, status: 'in_progress', ...emptyOf(item) },
  }
  const done = isOpen ? [] : [{ type: 'response.output_item.done', ...at, item: whole }]
  if (item.type === 'message') {
    const delta = { type: 'response.output_text.delta', ...at, content_index: 0, delta: textOf(item.content) }
    return [added, delta, ...done]
  }
  if (item.type === 'function_call') {
    const text = inputText(isOpen)
    const delta = { type: 'response.function_call_arguments.delta', ...at, delta: text }
    return [
      added,
      delta,
      ...(isOpen ? [] : [{ type: 'response.function_call_arguments.done', ...at, arguments: text }]),
      ...done,
    ]
  }
  if (item.type !== 'reasoning') return [added, ...done]
  const [{ text }] = item.summary as [{ text: string }]
  const part = { ...at, summary_index: 0 }
  return [
    added,
    { type: 'response.reasoning_summary_part.added', ...part, part: { type: 'summary_text', text: '' } },
    { type: 'response.reasoning_summary_text.delta', ...part, delta: text },
    ...(isOpen
      ? []
      : [{ type: 'response.reasoning_summary_part.done', ...part, part: { type: 'summary_text', text } }]),
    ...done,
  ]
}

const emptyOf = ({ type }: Json): Json =>
  type === 'message'
    ? { content: [] }
    : type === 'reasoning'
      ? { summary: [], encrypted_content: null }
      : { arguments: '' }

function checkOutputs(all: readonly Json[]): Refusal | undefined {
  const idsOf = (wanted: string): string[] =>
    all.flatMap(({ type, call_id: id }) => (type === wanted ? [id as string] : []))
  const [calls, outputs] = [idsOf('function_call'), idsOf('function_call_output')]
  const open = calls.find((id) => !outputs.includes(id))
  if (open) return bad(`No tool output found for function call ${open}.`)
  const unasked = outputs.find((id) => !calls.includes(id))
  if (unasked) return bad(`No tool call found for function call output with call_id ${unasked}.`)
  return new Set(outputs).size < outputs.length ? bad('several outputs of a call') : undefined
}

export const openaiResponses: Provider = {
  name: 'OpenAI Responses',
  thoughts: 'stored',
  hasItems: true,
  lacks: {},
  model: (baseURL) => createOpenAI({ apiKey: 'key', baseURL }).responses('gpt-5-mini'),
  tools: () => ({ search: createOpenAI({ apiKey: 'key' }).tools.webSearch({}) }),
  open: () => new Responses(),
}

export const openaiUnstored: Provider = {
  ...openaiResponses,
  name: 'OpenAI Responses, `store: false`',
  lacks: { search: 'results of its searches are not sent again without a store' },
  options: { openai: { store: false, include: ['reasoning.encrypted_content'] } },
}
