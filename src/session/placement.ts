import type { Answer, Codec, Input, Seed, WholeMessage } from '../core/codec'
import { ErrorCode, SessionError } from '../core/errors'
import { newId } from '../core/id'
import { RunNode } from '../core/run-node'
import type { Tree } from '../core/tree'
import type { Place } from './outgoing'

/** What can be said: text, a message, or a codec's input of one. */
export type SendInput<M> = string | M | WholeMessage<M>

/** Inputs, and where they go. */
export interface Placed<M> {
  readonly inputs: readonly Input<M>[]
  readonly place: Place
}

/** The one new message that was given. */
export function newMessage<M extends object>(codec: Codec<M>, given: SendInput<M>): readonly Input<M>[] {
  const inputs = codec.inputs(given)
  if (inputs.length === 1 && inputs[0]!.type === 'message') return inputs
  throw refusal('send', 'it takes one new message; answers go through answer(), another reply through regenerate()')
}

/** Another version of a prompt stands beside it, or in place of one that the channel does not have. */
export function placeOfEdit<M extends object>(tree: Tree<M>, messageId: string): Place {
  const node = tree.inputs.get(messageId)
  if (!node) throw refusal('edit', `there is no prompt "${messageId}"`)
  return { parent: node.parent, forkOf: node.isFailed ? node.forkOf : messageId }
}

/** Another reply follows the same message; all regenerations of a run's first message name the first reply of all. */
export function placeOfRegeneration<M extends object>(tree: Tree<M>, messageId: string): Place {
  const node = tree.nodeOf(messageId)
  const run = node instanceof RunNode && !node.steers.has(messageId) ? node : undefined
  const ids = [...(run?.messageIds() ?? [])]
  const index = ids.indexOf(messageId)
  const parent = index > 0 ? ids[index - 1] : run?.parent
  if (index < 0 || parent === undefined) throw refusal('regenerate', `"${messageId}" is not a reply to anything`)
  return { parent, regenerates: index > 0 ? messageId : (run?.regenerates ?? messageId) }
}

/** Answers go into the run that waits for them. */
export function continuation<M extends object>(
  tree: Tree<M>,
  messageId: string,
  answers: readonly Answer[],
  given: readonly Answer[],
  parent: string | undefined,
): Placed<M> {
  const run = runThatAsked(tree, messageId, answers)
  if (run.hasEnded) throw refusal('answer', "the run that asked has ended; { as: 'fork' } goes on from a copy of it")
  const isLate = (answer: Answer, index: number): boolean =>
    tree.codec.waits?.(run.message(messageId)!, [...given, ...answers.slice(0, index)], answer) === false
  if (answers.some(isLate)) throw refusal('answer', 'the call has its answer already')
  return { inputs: answers, place: { messageId, runId: run.key, parent } }
}

/** Answers go to a copy of what the run that asked has written so far, for a run that takes its place. */
export function fork<M extends object>(tree: Tree<M>, messageId: string, answers: readonly Answer[]): Placed<M> {
  const run = runThatAsked(tree, messageId, answers)
  const ids = [...run.messageIds()]
  const seeds = ids.map((id): Seed<M> => ({ messageId: newId(), message: structuredClone(run.message(id)!) }))
  const inputs = answers.map((answer) => tree.codec.seeded?.(answer, seeds) ?? answer)
  const isPlain = (input: Answer): number => Number(answers.includes(input))
  // The first brings the messages that the others speak of
  inputs.sort((a, b) => isPlain(a) - isPlain(b))
  if (isPlain(inputs[0]!)) throw refusal('answer in a fork', 'the codec cannot send messages along with this answer')
  const { messageId: copy } = seeds[ids.indexOf(messageId)]!
  return { inputs, place: { messageId: copy, role: 'assistant', parent: run.parent, supersedes: run.key } }
}

function runThatAsked<M extends object>(tree: Tree<M>, messageId: string, answers: readonly Answer[]): RunNode<M> {
  const node = tree.nodeOf(messageId)
  if (answers.length === 0) throw refusal('answer', 'there is no answer given')
  if (!(node instanceof RunNode) || !node.message(messageId)) {
    throw refusal('answer', `"${messageId}" is no message of a run`)
  }
  return node
}

const refusal = (what: string, why: string): SessionError =>
  new SessionError(`unable to ${what}; ${why}`, ErrorCode.BadRequest)
