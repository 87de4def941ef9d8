import type { UIMessage } from 'ai'
import type { Draft } from '../../core/codec'
import { noItems, SmallMap, type PlainObject } from '../../core/collections'
import type { Row } from '../../core/rows'
import { Header, MessageName, type Headers } from '../../core/wire'
import { messageIdOf, unpack } from './fields'
import type { DataPart, Part, ToolPart } from './parts'

/** By kind: folds a row; returns the part that a streamed row feeds. */
export type Folds = Readonly<Record<string, (scope: FoldScope, row: Row) => object | undefined | void>>

type Change = (part: ToolPart) => void

/** What the rows of tool calls, and of `data-*` parts, need to find each other. */
class Calls {
  /** Tool calls and `data-*` parts by message, type and id; the latest call of an id also without its message. */
  readonly parts = new SmallMap<ToolPart | DataPart>()
  /** Changes to calls that are not folded yet, by call id, each with the row that asks for it. */
  readonly changes = new SmallMap<[Row, Change][]>()
  readonly inputs = new SmallMap<Row>()
}

/** The state that the parts of one node share while its rows are folded. */
export class FoldScope {
  /** Undefined for most nodes, which are prompts or replies without calls. */
  #calls: Calls | undefined
  /** Messages between the start and the finish of a step. */
  readonly #inStep = new SmallMap<true>()
  /** The row that began the latest text of each type and id, by message. */
  readonly texts = new SmallMap<Row>()

  constructor(readonly draft: Draft<UIMessage>) {}

  get #known(): Calls {
    return (this.#calls ??= new Calls())
  }

  /** Rows that stream the input of a call, by call id. */
  get inputs(): SmallMap<Row> {
    return this.#known.inputs
  }

  /** The message that a row belongs to; undefined when the row names none. */
  message(row: Row): UIMessage | undefined {
    const id = messageIdOf(row)
    return id === undefined ? undefined : this.draft.message(id, row.transport[Header.role] ?? 'assistant')
  }

  /** The message that a row belongs to, if an earlier row made it. */
  existing(row: Row): UIMessage | undefined {
    const id = messageIdOf(row)
    return id === undefined ? undefined : this.draft.find(id)
  }

  /** Fields in the codec headers of a row, under other names where `as` has one. */
  fields(row: Row, names: readonly string[], as?: Headers): PlainObject {
    return unpack(row.codec, this.draft.opaque, names, as)
  }

  push<P extends object>(row: Row, part: P): P | undefined {
    const message = this.message(row)
    message?.parts.push(part as unknown as Part)
    return message && part
  }

  /**
   * The call that a row is about: in the row's own message, else in any message of the node. An answer is only about a
   * call in the message that it names.
   */
  tool(row: Row): ToolPart | undefined {
    const { toolCallId } = row.codec
    const own = this.find<ToolPart>(messageIdOf(row), toolCallId)
    return own || row.name === MessageName.input ? own : this.find(undefined, toolCallId)
  }

  addTool(messageId: string | undefined, part: ToolPart): void {
    const id = part.toolCallId
    this.add(undefined, id, part)
    this.add(messageId, id, part)
    const { changes } = this.#known
    const waiting = changes.get(id) ?? noItems
    changes.delete(id)
    for (const [row, change] of waiting) this.changeTool(row, change)
  }

  /** Changes the call that a row is about, at once or when the call is folded. */
  changeTool(row: Row, change: Change): void {
    const part = this.tool(row)
    if (part) return change(part)
    const id = row.codec.toolCallId ?? ''
    const { changes } = this.#known
    changes.set(id, [...(changes.get(id) ?? noItems), [row, change]])
  }

  /** A part that was added under this id; `type` tells `data-*` parts from tool calls. */
  find<P extends ToolPart | DataPart>(messageId: string | undefined, id?: string, type?: P['type']): P | undefined {
    const part = this.#calls?.parts.get(keyOf(messageId, id, type))
    return part && (this.draft.live(part) as P)
  }

  add(messageId: string | undefined, id: string, part: ToolPart | DataPart, type?: string): void {
    this.#known.parts.set(keyOf(messageId, id, type), part)
  }

  startStep(row: Row): void {
    this.#inStep.set(messageIdOf(row) ?? '', true)
    this.push(row, { type: 'step-start' })
  }

  finishStep(row: Row): void {
    this.#inStep.delete(messageIdOf(row) ?? '')
  }

  /** Adds the step-start that text, reasoning and tool inputs follow, where the channel has none. */
  leadIn(row: Row): void {
    if (!this.#inStep.get(messageIdOf(row) ?? '')) this.startStep(row)
  }
}

// NOTE: with lengths, so that no id can pass for two of these
export const keyOf = (messageId = '', id = '', type = ''): string =>
  `${id.length} ${type.length} ${id}${type}${messageId}`
