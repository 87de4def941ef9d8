import type { LanguageModel, ToolSet } from 'ai'

/** Something that a model says: a thought, a text, a call of a tool of the agent, or a search of the provider itself. */
export type Move = { think: string } | { say: string } | { call: string } | { search: string }

/** An answer of a model, and how it goes on: it ends, waits with its last move open, or breaks off there. */
export interface Answer {
  readonly moves: readonly Move[]
  readonly ending: 'end' | 'hold' | 'break'
}

/** A message that a provider got, in words that are the same for all providers. */
export type Line =
  | { role: 'user'; text: string }
  | { role: 'assistant'; text: string; calls: string[]; hasThoughts: boolean }
  | { role: 'tool'; tool: string; output: string }

/** Why a provider refuses a request. */
export interface Refusal {
  status: number
  message: string
}

export type Json = Record<string, any>

/** A provider's API in one conversation: its rules, and what it remembers of its own answers. */
export interface Service {
  /** The rule that a request breaks. */
  check(body: Json): Refusal | undefined
  read(body: Json): Line[]
  /** The events of an answer. */
  write(answer: Answer): Json[]
  /** Hears that an answer came to its end: providers keep only those. */
  finished?(): void
}

/** A provider of the AI SDK. */
export interface Provider {
  readonly name: string
  /** How its thoughts come back in later requests: not at all, whole, or as references to items that it stores. */
  readonly thoughts: 'none' | 'sent' | 'stored'
  /** Whether each text of a message is an item of its own. */
  readonly hasItems?: boolean
  /** States that it cannot be brought into, each with the reason. */
  readonly lacks: Readonly<Partial<Record<'thoughts' | 'partialInput' | 'search', string>>>
  /** Its model, at this address. */
  model(baseURL: string): LanguageModel
  readonly options?: Record<string, Json>
  /** Tools that the provider runs. */
  tools?(): ToolSet
  /** Begins a conversation. */
  open(): Service
}

export const bad = (message: string): Refusal => ({ status: 400, message })

/** The last move of an answer stays open unless the answer ends. */
export const isOpenMove = ({ moves, ending }: Answer, index: number): boolean =>
  ending !== 'end' && index === moves.length - 1

export const input = { city: 'Lisbon' }

/** The input of a call, or half of it. */
export const inputText = (isOpen: boolean): string => (isOpen ? '{"ci' : JSON.stringify(input))

export const isBlank = (text: unknown): boolean => typeof text !== 'string' || text.trim() === ''

/** Lines from pieces, where consecutive pieces of an answer make one line. */
export class Lines {
  readonly all: Line[] = []
  /** Whether the next piece of an answer begins a line. */
  #isApart = true

  user(text: string): void {
    this.all.push({ role: 'user', text })
    this.#isApart = true
  }

  tool(tool: string, output: unknown): void {
    this.all.push({ role: 'tool', tool, output: typeof output === 'string' ? output : JSON.stringify(output) })
    this.#isApart = true
  }

  assistant({ text = '', call, thought = false }: { text?: string; call?: string; thought?: boolean }): void {
    if (this.#isApart) this.all.push({ role: 'assistant', text: '', calls: [], hasThoughts: false })
    this.#isApart = false
    const line = this.all.at(-1) as Extract<Line, { role: 'assistant' }>
    line.text += text
    line.hasThoughts ||= thought
    if (call !== undefined) line.calls.push(call)
  }

  /** The next piece of an answer belongs to another message. */
  apart(): void {
    this.#isApart = true
  }
}
