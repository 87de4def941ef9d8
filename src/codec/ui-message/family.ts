import type { UIMessage, UIMessageChunk } from 'ai'
import type { Draft, Operation } from '../../core/codec'
import type { Row } from '../../core/log'
import { Header, type Headers } from '../../core/wire'
import { unpack } from './fields'
import type { ToolPart } from './tool'

export type Part = UIMessage['parts'][number]

/** The codec header that says what a row means. */
export const kindOf = (row: Row): string => row.codec.kind ?? ''

/** A row's data as text; anything else reads as empty. */
export const textOf = (row: Row): string => (typeof row.data === 'string' ? row.data : '')

/** Marks a value that is replaced whole and not observed inside. */
export type Opaque = <T>(value: T) => T

/** A `data-*` part, whatever its data. */
export interface DataPart {
  type: `data-${string}`
  id?: string
  data: unknown
}

/** What the families share while one node is folded. */
export class FoldScope {
  /** Tool calls by their message and id; the latest of an id also by no message. */
  #tools: Map<string, ToolPart> | undefined
  #inputs: Map<string, Row> | undefined
  /** Answers that came before their call. */
  #waiting: Map<string, ((part: ToolPart) => void)[]> | undefined
  /** `data-*` parts that have an id, by their message, type and id. */
  #data: Map<string, DataPart> | undefined
  /** Messages between a step's start and its finish. */
  #inStep: Set<string> | undefined

  constructor(readonly draft: Draft<UIMessage>) {}

  /** The message a row belongs to; undefined when the row names none. */
  message(row: Row): UIMessage | undefined {
    const id = row.transport[Header.messageId]
    return id === undefined ? undefined : this.draft.message(id, row.transport[Header.role] ?? 'assistant')
  }

  /** The row's message, but only if something else has made it already. */
  existing(row: Row): UIMessage | undefined {
    const id = row.transport[Header.messageId]
    return id === undefined ? undefined : this.draft.find(id)
  }

  /** Fields that a row's codec headers hold, under other names where `as` has one. */
  fields(row: Row, names: readonly string[], as?: Headers): Record<string, unknown> {
    return unpack(row.codec, this.draft.opaque, names, as)
  }

  push<P extends object>(row: Row, part: P): P | undefined {
    const message = this.message(row)
    message?.parts.push(part as unknown as Part)
    return message && part
  }

  /** Rows that stream the input of a call, by its id. */
  get inputs(): Map<string, Row> {
    return (this.#inputs ??= new Map())
  }

  /** The call a row speaks of: in its own message, else in any of the node. */
  tool(row: Row): ToolPart | undefined {
    const id = row.codec.toolCallId ?? ''
    const part = this.#tools?.get(keyOf(row.transport[Header.messageId], id)) ?? this.#tools?.get(keyOf(undefined, id))
    return part && this.draft.live(part)
  }

  addTool(messageId: string | undefined, part: ToolPart): void {
    const id = part.toolCallId
    this.#tools ??= new Map()
    this.#tools.set(keyOf(undefined, id), part)
    this.#tools.set(keyOf(messageId, id), part)
    for (const change of this.#waiting?.get(id) ?? []) change(this.draft.live(part))
    this.#waiting?.delete(id)
  }

  /** Changes the call a row speaks of, as soon as it is there. */
  withTool(row: Row, change: (part: ToolPart) => void): void {
    const part = this.tool(row)
    if (part) return change(part)
    const id = row.codec.toolCallId ?? ''
    this.#waiting ??= new Map()
    this.#waiting.set(id, [...(this.#waiting.get(id) ?? []), change])
  }

  /** The `data-*` part of the row's message that a row speaks of. */
  dataPart(row: Row, type: string, id: string): DataPart | undefined {
    const part = this.#data?.get(keyOf(row.transport[Header.messageId], type, id))
    return part && this.draft.live(part)
  }

  addDataPart(messageId: string | undefined, part: DataPart, id: string): void {
    this.#data ??= new Map()
    this.#data.set(keyOf(messageId, part.type, id), part)
  }

  startStep(row: Row): void {
    this.#inStep ??= new Set()
    this.#inStep.add(row.transport[Header.messageId] ?? '')
    this.push(row, { type: 'step-start' })
  }

  finishStep(row: Row): void {
    this.#inStep?.delete(row.transport[Header.messageId] ?? '')
  }

  /** Supplies the step-start that text, reasoning and tool inputs follow, where the channel has none. */
  leadIn(row: Row): void {
    if (!this.#inStep?.has(row.transport[Header.messageId] ?? '')) this.startStep(row)
  }
}

const keyOf = (...ids: (string | undefined)[]): string => JSON.stringify(ids)

/** By kind: folds a row; answers with the part that a streamed row feeds. */
export type Folds = Readonly<Record<string, (scope: FoldScope, row: Row) => object | undefined | void>>

/** By part type: follows a row that grew. */
export type Grows = Readonly<Record<string, (part: never, row: Row, opaque: Opaque) => void>>

export type ChunkOf<T extends UIMessageChunk['type']> = Extract<UIMessageChunk, { type: T }>

/** A stream that an encoder has opened and not closed. */
export interface OpenStream {
  /** The stream's id on the channel. */
  streamId: string
  /** Codec headers as they stand. */
  codec: Headers
  /** What deltas have brought, for tool inputs. */
  streamed: string
}

/** By what a chunk says that it belongs to. */
export type OpenStreams = Map<string, OpenStream>

/** A chunk that is one message: some of its fields are codec headers; its data is empty unless it says which. */
export interface Whole<Chunk> {
  readonly fields: readonly (keyof Chunk & string)[]
  readonly data?: (chunk: Chunk) => unknown
}

/** By chunk type: how an agent writes it. */
// NOTE: nothing is called to make such a table, so that bundlers leave it out of what only reads
export type Encodes = {
  readonly [T in UIMessageChunk['type']]?: Whole<ChunkOf<T>> | ((chunk: ChunkOf<T>, open: OpenStreams) => Operation[])
}
