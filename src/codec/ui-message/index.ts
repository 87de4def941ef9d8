import type { UIMessage, UIMessageChunk } from 'ai'
import type { Answer, Codec, Input, Operation } from '../../core/codec'
import { ErrorCode, SessionError } from '../../core/errors'
import { newId } from '../../core/id'
import type { Row } from '../../core/log'
import {
  createToolApproval,
  createToolOutput,
  createToolOutputError,
  seeded,
  type ToolApproval,
  type ToolOutput,
  type ToolOutputError,
} from './answer'
import { attachmentFamily } from './attachment'
import { encodeData, foldData, isDataKind } from './data'
import { envelopeFamily } from './envelope'
import { FoldScope, kindOf, type Opaque, type OpenStreams, type PartFamily } from './family'
import { endingOf, forModel } from './reply'
import { foldSeeds } from './seed'
import { textFamily } from './text'
import { tooLarge } from './too-large'
import { growTool, isToolType, toolFamily } from './tool'
import { encodeUserMessage, foldUserMessage, isUserPart } from './user-message'

/** A codec for the AI SDK's `UIMessage`, and constructors for what can be said into a session. */
export interface UIMessageCodec<M extends UIMessage = UIMessage> extends Codec<M, UIMessageChunk> {
  /** Makes a prompt for `send` out of a whole message. Its id is kept. */
  createUserMessage(message: M): Input<M>
  /** Makes an answer out of what came out of a call that ran here. Name the `tool` to have the output checked. */
  createToolOutput(outcome: ToolOutput<M>): Answer
  /** Makes an answer that says why a call that ran here came to nothing. */
  createToolOutputError(outcome: ToolOutputError<M>): Answer
  /** Makes an answer to a call that asked for approval. */
  createToolApproval(approval: ToolApproval): Answer
}

const families: readonly PartFamily[] = [envelopeFamily, textFamily, toolFamily, attachmentFamily]

type AnyFold = (scope: FoldScope, row: Row) => object | undefined | void
type AnyGrow = (part: object, row: Row, opaque: Opaque) => void
type AnyEncode = (chunk: UIMessageChunk, open: OpenStreams) => Operation[]

const userMessage = 'user-message'

// NOTE: Maps, so that a kind called `constructor` or `__proto__` is just an unknown kind
const folds = new Map<string, AnyFold>([
  ...families.flatMap((family) => Object.entries(family.fold)),
  [userMessage, foldUserMessage],
])
const grows = new Map(families.flatMap((family) => Object.entries(family.grow ?? {}) as [string, AnyGrow][]))
const encodes = new Map(families.flatMap((family) => Object.entries(family.encode) as [string, AnyEncode][]))

const seeding = new Set(['tool-result', 'tool-result-error'])

const foldOf = (row: Row): AnyFold | undefined => {
  const kind = kindOf(row)
  return folds.get(kind) ?? (isDataKind(kind) ? foldData : undefined)
}

const growOf = (type: string): AnyGrow | undefined =>
  grows.get(type) ?? (isToolType(type) ? (growTool as AnyGrow) : undefined)

const isInput = (given: object): given is Input<never> => 'type' in given && !('parts' in given)

/**
 * A codec whose messages are of type `M`; give it your app's message type once and sessions, views and sends infer it.
 *
 * @example
 * const codec = createUIMessageCodec<MyMessage>()
 */
export function createUIMessageCodec<M extends UIMessage = UIMessage>(): UIMessageCodec<M> {
  const createUserMessage = (message: M): Input<M> => ({ type: 'message', message })
  return {
    name: 'vercel-ai-sdk-ui-message',
    // A new message has no parts, so it is an M whatever M's parts are
    create: (id, role) => ({ id, role, parts: [] }) as unknown as M,
    createUserMessage,
    createToolOutput,
    createToolOutputError,
    createToolApproval,
    seeded,
    decodes: (row) => foldOf(row) !== undefined && (kindOf(row) !== userMessage || isUserPart(row)),
    fold(draft) {
      const scope = new FoldScope(draft)
      return (row) => {
        if (seeding.has(kindOf(row))) foldSeeds(scope, row)
        return foldOf(row)?.(scope, row) ?? undefined
      }
    },
    grow: (part, row, opaque) => growOf((part as { type: string }).type)?.(part, row, opaque),
    inputs(given) {
      if (typeof given === 'string') {
        return [
          createUserMessage({ id: newId(), role: 'user', parts: [{ type: 'text', text: given }] } as unknown as M),
        ]
      }
      if (Array.isArray(given)) return given as readonly Input<M>[]
      return [isInput(given) ? given : createUserMessage(given as M)]
    },
    encode(input) {
      if (input.type === 'regenerate') return { parts: [{ codec: { kind: 'regenerate' }, data: '' }] }
      if (input.type === 'answer') return { parts: [{ codec: input.codec, data: input.data }] }
      const { message } = input
      if (message.role !== 'user') {
        throw new SessionError(
          `unable to send the message; its role is "${message.role}", but only "user" messages can be sent`,
          ErrorCode.BadRequest,
        )
      }
      return { role: message.role, parts: encodeUserMessage(message) }
    },
    ending: endingOf,
    forModel,
    encoder(messageId) {
      const open: OpenStreams = new Map()
      const encode = (chunk: UIMessageChunk): Operation[] => {
        if (chunk.type === 'start')
          return encodes.get('start')!({ ...chunk, messageId: chunk.messageId ?? messageId }, open)
        if (isDataKind(chunk.type)) return encodeData(chunk as never)
        return encodes.get(chunk.type)?.(chunk, open) ?? []
      }
      const refuse = (chunk: UIMessageChunk, size: number): Operation[] => {
        const said = tooLarge(chunk, size)
        return Array.isArray(said) ? said : encode(said)
      }
      return { encode, refuse }
    },
  }
}

/** The codec for plain `UIMessage`s. */
export const UIMessageCodec: UIMessageCodec = createUIMessageCodec()
