import { alreadyAnswered } from '../core/answers'
import type { Answer, Codec, Input, Seed, WholeMessage } from '../core/codec'
import { badRequest } from '../core/errors'
import { newId, Header, headers, isReadable, MessageName, type OutgoingMessage } from '../core/wire'
import type { Row } from '../core/rows'
import { RunNode } from '../core/run-node'
import type { Tree } from '../core/tree'

/** The content of a prompt or steer: text, a message, or a codec's input of one message. */
export type SendInput<M> = string | M | WholeMessage<M>

/** Where an input goes in the conversation. */
export interface Place {
  /** The id of the input's own message, or of the message that it answers. @default a new id */
  readonly messageId?: string
  /** The id of the event, which the channel takes once. @default a new id */
  readonly eventId?: string
  /** @default the codec's, else `user` */
  readonly role?: string
  /** The message it follows. */
  readonly parent?: string
  /** The prompt it is another version of. */
  readonly forkOf?: string
  /** The reply that it asks an alternative for. */
  readonly regenerates?: string
  /** The run it goes into. */
  readonly runId?: string
  /** The run that the run of this input replaces. */
  readonly supersedes?: string
}

/** Inputs with their place. */
export interface PlacedInput<M> {
  readonly inputs: readonly Input<M>[]
  readonly place: Place
}

/** The single new message of a `send`, `edit` or `steer`. */
export function newMessage<M extends object>(codec: Codec<M>, given: SendInput<M>): readonly Input<M>[] {
  const inputs = codec.inputs(given)
  if (inputs.length === 1 && inputs[0]?.type === 'message') return inputs
  throw badRequest('send', 'it takes one new message; answers go through answer(), another reply through regenerate()')
}

/** An edit is a sibling of the prompt; it replaces a prompt that the channel does not have. */
export function placeOfEdit<M extends object>(tree: Tree<M>, messageId: string): Place {
  const node = tree.inputs.get(messageId)
  if (!node) throw badRequest('edit', `there is no prompt "${messageId}"`)
  return { parent: node.parent, forkOf: node.isFailed ? node.forkOf : messageId }
}

/**
 * Another reply follows the same message. Each regeneration of a run's first message names the oldest of these replies.
 */
export function placeOfRegeneration<M extends object>(tree: Tree<M>, messageId: string): Place {
  const node = tree.nodeOf(messageId)
  const run = node instanceof RunNode && !node.steerState(messageId) ? node : undefined
  const ids = [...(run?.ids ?? [])]
  const index = ids.indexOf(messageId)
  const parent = index > 0 ? ids[index - 1] : run?.parent
  if (index < 0 || parent === undefined) throw badRequest('regenerate', `"${messageId}" is not a reply to anything`)
  return { parent, regenerates: index > 0 ? messageId : (run?.regenerates ?? messageId) }
}

/**
 * Answers go into the run that asks for them.
 *
 * @param given - Answers that this client has sent already.
 */
export function placeAnswers<M extends object>(
  tree: Tree<M>,
  messageId: string,
  answers: readonly Answer[],
  given: readonly Answer[],
  parent: string | undefined,
): PlacedInput<M> {
  const run = runThatAsked(tree, messageId, answers)
  refuseLate(run, answers, run.isPlaceholder ? undefined : messageId)
  if (run.hasEnded) throw badRequest('answer', "the run that asked has ended; { as: 'fork' } goes on from a copy of it")
  const isLate = (answer: Answer, index: number): boolean =>
    tree.codec.waits?.(run.message(messageId)!, [...given, ...answers.slice(0, index)], answer) === false
  if (answers.some(isLate)) throw badRequest('answer', 'the call has its answer already')
  if (!run.isPlaceholder) return { inputs: answers, place: { messageId, runId: run.key, parent } }
  // NOTE: a fork without a run takes further answers as the fork itself
  const { [Header.parent]: followed, [Header.supersedes]: supersedes } = run.rows[0]!.transport
  if (supersedes === undefined)
    throw badRequest('answer', 'its fork names no run, and takes answers when its own run waits')
  return { inputs: answers, place: { messageId: run.key, role: 'assistant', parent: followed, supersedes } }
}

/** Answers go to a copy of the asking run's messages, for a run that replaces that one. */
export function placeForkedAnswers<M extends object>(
  tree: Tree<M>,
  messageId: string,
  answers: readonly Answer[],
): PlacedInput<M> {
  const run = runThatAsked(tree, messageId, answers)
  refuseLate(run, answers)
  const ids = [...run.ids]
  const seeds = ids.map((id): Seed<M> => ({ messageId: newId(), message: structuredClone(run.message(id)!) }))
  const inputs = answers.map((answer) => tree.codec.seeded?.(answer, seeds) ?? answer)
  const isPlain = (input: Answer): number => Number(answers.includes(input))
  // The first input brings the messages that the others refer to
  inputs.sort((a, b) => isPlain(a) - isPlain(b))
  if (isPlain(inputs[0]!)) throw badRequest('answer in a fork', 'the codec cannot send messages along with this answer')
  const { messageId: copy } = seeds[ids.indexOf(messageId)]!
  return { inputs, place: { messageId: copy, role: 'assistant', parent: run.parent, supersedes: run.key } }
}

function refuseLate(run: RunNode<object>, answers: readonly Answer[], messageId?: string): void {
  for (const answer of answers) {
    const earlier = run.answers.before(answer, messageId)
    if (earlier) throw alreadyAnswered(earlier)
  }
}

function runThatAsked<M extends object>(tree: Tree<M>, messageId: string, answers: readonly Answer[]): RunNode<M> {
  const node = tree.nodeOf(messageId)
  // NOTE: apps without types give anything
  const areGiven = answers.every((answer?: Partial<Answer>) => answer?.type === 'answer' && answer.codec)
  if (!areGiven || answers.length === 0)
    throw badRequest('answer', 'it takes what createToolOutput() or createToolApproval() returns')
  const reply = node?.message(messageId)
  if (!(node instanceof RunNode) || !reply) throw badRequest('answer', `"${messageId}" is no message of a run`)
  // NOTE: while the reply is being written, its call or the request for approval may still arrive
  const isAsked = (answer: Answer): boolean =>
    node.state.status === 'active' || tree.codec.asks?.(reply, answer) !== false
  if (answers.every(isAsked)) return node
  throw badRequest('answer', 'the message has no such call, or asks for no approval of it')
}

/** An input as channel messages. */
export interface EncodedInput {
  readonly inputId: string
  readonly eventId: string
  readonly messages: readonly OutgoingMessage[]
}

export function encodeInput<M extends object>(
  codec: Codec<M>,
  input: Input<M>,
  place: Place,
  clientId: string | undefined,
  device?: string,
): EncodedInput {
  const { role, parts } = codec.encode(input)
  const { messageId, eventId: ownId, runId } = place
  const inputId = messageId || newId()
  const eventId = ownId || newId()
  const transport = headers({
    [Header.role]: place.role ?? role ?? 'user',
    [Header.messageId]: inputId,
    [Header.runId]: runId,
    [Header.owner]: clientId,
    [Header.eventId]: eventId,
    [Header.device]: device,
    [Header.parent]: place.parent,
    [Header.forkOf]: place.forkOf,
    [Header.regenerates]: place.regenerates,
    [Header.supersedes]: place.supersedes,
    [Header.streamed]: 'false',
    [Header.discrete]: input.type === 'message' ? 'true' : undefined,
  })
  const messages = parts.map(({ codec, data }, index) => ({
    // NOTE: Ably discards a repeated id, so publishing again after an unclear failure cannot double the input
    id: `${eventId}:${index}`,
    name: MessageName.input,
    data,
    extras: { ai: { transport, codec } },
  }))
  if (!messages.every(({ extras }) => isReadable(extras)))
    throw badRequest('send', 'an id is not a string, or ids and metadata are longer than 16 kB')
  return { inputId, eventId, messages }
}

/** A prompt that has moved behind another message, or became a version of another prompt. */
export function moveInput(input: EncodedInput, { parent, forkOf }: Place): EncodedInput {
  const messages = input.messages.map((message) => {
    const { transport, codec } = message.extras.ai
    const moved = headers({ ...transport, [Header.parent]: parent, [Header.forkOf]: forkOf })
    return { ...message, extras: { ai: { transport: moved, codec } } }
  })
  return { ...input, messages }
}

/** An input's rows as the echo will bring them, without serials yet. */
export const localRows = (messages: readonly OutgoingMessage[], clientId: string | undefined): Row[] =>
  messages.map(({ data, extras: { ai } }) => ({
    serial: '',
    version: '',
    name: MessageName.input,
    transport: ai.transport,
    codec: ai.codec ?? {},
    data,
    clientId,
    timestamp: Date.now(),
    partial: false,
    deleted: false,
  }))
