import type { UIMessage } from 'ai'
import type { Answer, Codec, Input, WholeMessage } from '../../core/codec'
import { ErrorCode, SessionError } from '../../core/errors'
import { newId } from '../../core/id'
import type { Row } from '../../core/log'
import { MessageName } from '../../core/wire'
import {
  createToolApproval,
  createToolOutput,
  createToolOutputError,
  seeded,
  type ToolApproval,
  type ToolOutput,
  type ToolOutputError,
} from './answer'
import { foldAttachment } from './attachment'
import { foldData, isDataKind } from './data'
import { foldEnvelope } from './envelope'
import { FoldScope, kindOf, type Folds, type Opaque } from './family'
import { foldSeeds } from './seed'
import { foldText, growText } from './text'
import { foldTool, growTool, isToolType } from './tool'
import { encodeUserMessage, foldUserMessage, isUserPart } from './user-message'
import { waits } from './waits'

/** A codec for the AI SDK's `UIMessage` as clients use it, and constructors for what can be said into a session. */
export interface UIMessageCodec<M extends UIMessage = UIMessage> extends Codec<M> {
  /** Makes a prompt for `send` out of a whole message. Its id is kept. */
  createUserMessage(message: M): WholeMessage<M>
  /** Makes an answer out of what came out of a call that ran here. Name the `tool` to have the output checked. */
  createToolOutput(outcome: ToolOutput<M>): Answer
  /** Makes an answer that says why a call that ran here came to nothing. */
  createToolOutputError(outcome: ToolOutputError<M>): Answer
  /** Makes an answer to a call that asked for approval. */
  createToolApproval(approval: ToolApproval): Answer
  /** Never there: the codec that `vue-ai-transport/agent` exports under the same name writes replies, too. */
  readonly encoder?: OnlyIn<'vue-ai-transport/agent'>
}

/** Names in an error of the type checker where to import from. */
interface OnlyIn<Entry extends string> {
  readonly entry: Entry
}

type AnyFold = Folds[string]
type AnyGrow = (part: object, row: Row, opaque: Opaque) => void

const userMessage = 'user-message'

// NOTE: Maps, so that a kind called `constructor` or `__proto__` is just an unknown kind
const folds = new Map(
  Object.entries<AnyFold>({
    ...foldEnvelope,
    ...foldText,
    ...foldTool,
    ...foldAttachment,
    [userMessage]: foldUserMessage,
  }),
)
const grows = new Map(Object.entries(growText) as [string, AnyGrow][])

const seeding = new Set(['tool-result', 'tool-result-error'])

/** What clients may say; all else is an agent's to say, and these are not. */
const inputKinds = new Set([...seeding, userMessage, 'tool-approval-response'])

const foldOf = (row: Row): AnyFold | undefined => {
  const kind = kindOf(row)
  if ((row.name === MessageName.input) !== inputKinds.has(kind)) return undefined
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
  const createUserMessage = (message: M): WholeMessage<M> => ({ type: 'message', message })
  return {
    name: 'vercel-ai-sdk-ui-message',
    // A new message has no parts, so it is an M whatever M's parts are
    create: (id, role) => ({ id, role, parts: [] }) as unknown as M,
    createUserMessage,
    createToolOutput,
    createToolOutputError,
    createToolApproval,
    seeded,
    waits,
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
  }
}

/** The codec for plain `UIMessage`s. */
export const UIMessageCodec: UIMessageCodec = createUIMessageCodec()
