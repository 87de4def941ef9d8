import type { UIMessage } from 'ai'
import type { Answer, Codec, Input, WholeMessage } from '../../core/codec'
import { isPlainObject, type PlainObject } from '../../core/collections'
import { badRequest } from '../../core/errors'
import { newId, MessageName } from '../../core/wire'
import type { Row } from '../../core/rows'
import { asks, createToolApproval, createToolOutput, createToolOutputError, seeded, settles, waits } from './answer'
import { foldData } from './data'
import { foldEnvelope } from './envelope'
import { kindOf } from './fields'
import { FoldScope, type Folds } from './fold-scope'
import { isDataType, isToolType, type ToolPart } from './parts'
import { foldLongFields } from './long-fields'
import { foldSeeds } from './seed'
import { foldSimple, growPart } from './simple-part'
import { foldAnswer, foldTool, growTool } from './tool'
import type { ToolApproval, ToolOutput, ToolOutputError } from './tool-call'
import { checkContent, encodeUserMessage, foldUserMessage, isUserPart, userMessage } from './user-message'

/** The codec of clients for the AI SDK's `UIMessage`, with constructors for the inputs of a session. */
export interface UIMessageCodec<M extends UIMessage = UIMessage> extends Codec<M> {
  /** Makes a prompt for `send` from a whole message. The message keeps its id. */
  createUserMessage(message: M): WholeMessage<M>
  /**
   * Makes an answer from the output of a tool call that ran here. `tool` names the tool, and the output must have its
   * type. The part of the call names the tool as well: `createToolOutput({ ...part, output })`.
   */
  createToolOutput(outcome: ToolOutput<M>): Answer<M>
  /** Makes an answer from the error of a tool call that failed here. */
  createToolOutputError(outcome: ToolOutputError<M>): Answer<M>
  /** Makes the answer to a tool call that needs approval. */
  createToolApproval(approval: ToolApproval<M>): Answer<M>
  /** Always absent here: import the codec from `vue-ai-transport/agent` to write replies. */
  readonly encoder?: OnlyIn<'vue-ai-transport/agent'>
}

/** Names the entry to import from in an error of the type checker. */
interface OnlyIn<Entry extends string> {
  readonly entry: Entry
}

const byKind = (folds: Folds): ReadonlyMap<string, Folds[string]> => new Map(Object.entries(folds))

const inputFolds = byKind({ ...foldAnswer, [userMessage]: foldUserMessage })
const outputFolds = byKind({ ...foldSimple, ...foldEnvelope, ...foldTool, 'part-metadata': foldLongFields })

/** How a row is folded. Clients publish some kinds, agents all others. */
function foldOf(row: Row): Folds[string] | undefined {
  const kind = kindOf(row)
  if (row.name !== MessageName.input) return outputFolds.get(kind) ?? (isDataType(kind) ? foldData : undefined)
  return kind !== userMessage || isUserPart(row) ? inputFolds.get(kind) : undefined
}

const isInput = (given: unknown): given is Input<never> =>
  isPlainObject(given) && 'type' in given && !('parts' in given)

/**
 * Creates a codec for messages of type `M`. Give it your app's message type once; sessions, views and `send` infer it.
 *
 * @example
 * const codec = createUIMessageCodec<MyMessage>()
 */
export function createUIMessageCodec<M extends UIMessage = UIMessage>(): UIMessageCodec<M> {
  const createUserMessage = (message: M): WholeMessage<M> => ({ type: 'message', message })
  const readInputs = (given: string | M | Input<M> | readonly Input<M>[]): readonly Input<M>[] => {
    if (Array.isArray(given)) return given as readonly Input<M>[]
    if (typeof given !== 'string') return [isInput(given) ? given : createUserMessage(given as M)]
    return [createUserMessage({ id: newId(), role: 'user', parts: [{ type: 'text', text: given }] } as unknown as M)]
  }
  return {
    name: 'vercel-ai-sdk-ui-message',
    // Without parts, the message is an M for parts of any type
    create: (id, role) => ({ id, role, parts: [] }) as unknown as M,
    createUserMessage,
    createToolOutput,
    createToolOutputError,
    createToolApproval,
    seeded,
    settles,
    callOf: ({ toolCallId }) => toolCallId,
    waits,
    asks,
    decodes: (row) => foldOf(row) !== undefined,
    fold(draft) {
      const scope = new FoldScope(draft)
      return (row) => {
        if (row.name === MessageName.input && kindOf(row).startsWith('tool-result')) foldSeeds(scope, row)
        return foldOf(row)?.(scope, row) ?? undefined
      }
    },
    grow: (part, row, opaque, write) =>
      (isToolType((row.part as ToolPart).type) ? growTool : growPart)(
        part as ToolPart & PlainObject,
        row,
        opaque,
        write,
      ),
    inputs(given) {
      const inputs = readInputs(given)
      for (const input of inputs) if (input?.type === 'message') checkContent(input.message)
      return inputs
    },
    encode(input) {
      if (input.type === 'regenerate') return { parts: [{ codec: { kind: 'regenerate' }, data: '' }] }
      if (input.type === 'answer') return { parts: [{ codec: input.codec, data: input.data }] }
      const { message } = input
      if (message.role !== 'user') {
        throw badRequest('send the message', `its role is "${message.role}", but only "user" messages can be sent`)
      }
      return { role: message.role, parts: encodeUserMessage(message) }
    },
  }
}

/** The codec for plain `UIMessage`s. */
export const UIMessageCodec: UIMessageCodec = createUIMessageCodec()
