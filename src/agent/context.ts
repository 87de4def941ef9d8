import type { Codec } from '../core/codec'
import type { Row } from '../core/log'
import { bySort, type TreeNode } from '../core/node'
import { InputNode } from '../core/input-node'
import { RunNode } from '../core/run-node'
import type { RunInfo } from '../core/run-info'
import type { Tree } from '../core/tree'
import { pathTo, type Waypoint } from './path'

/** A prompt and the run that is shown as its answer. */
export interface Turn<M> {
  /** Undefined when the prompt is not on the channel any more. */
  readonly prompt?: M
  /** Undefined for the prompt that is to be answered, for one without any answer, and where the answer was cut short. */
  readonly run?: RunInfo
  /** What that run has written so far. */
  readonly answer: readonly M[]
  /** Whether the conversation went on from this answer; false when the next prompt was sent beside it. */
  readonly isFollowed: boolean
}

/**
 * Which part of the conversation a model is given. `'all'`: every prompt with its answer; an answer that is not whole
 * ends with a note that says so. `'answered'`: leaves out prompts whose answer is not complete, and the answer. A
 * function gives the messages for each turn, oldest first.
 */
export type ContextRule<M> = 'all' | 'answered' | ((turn: Turn<M>) => readonly M[])

/** The conversation up to a trigger, as fresh objects. */
export function contextOf<M extends object>(tree: Tree<M>, trigger: Row, include: ContextRule<M> = 'all'): M[] {
  tree.settle()
  tree.forgetEnding()
  tree.settle()
  const rule = include === 'all' ? withNotes(tree.codec) : include === 'answered' ? onlyAnswered : include
  return turnsOf(tree, trigger).flatMap((turn) => rule(structuredClone(turn)))
}

const withNotes =
  <M extends object>(codec: Codec<M>) =>
  ({ prompt, run, answer }: Turn<M>): M[] => [
    ...(prompt ? [prompt] : []),
    ...readable(codec, answer, run && noteOn(run)),
  ]

function onlyAnswered<M>({ prompt, run, answer, isFollowed }: Turn<M>): M[] {
  const own = prompt ? [prompt] : []
  if (!isFollowed) return own
  return !run || run.status === 'complete' ? [...own, ...answer] : []
}

/** Answers that say something, the last of them with the note. */
function readable<M extends object>(codec: Codec<M>, answer: readonly M[], note: string | undefined): M[] {
  const says = (message: M): boolean => codec.forModel?.(message) !== undefined || !codec.forModel
  const messages = answer.filter(says)
  return messages.map((message, index) =>
    note !== undefined && index === messages.length - 1 ? (codec.forModel?.(message, note) ?? message) : message,
  )
}

/** What a model should know about an answer that is not whole. */
function noteOn({ status, cancelling, error }: RunInfo): string | undefined {
  if (status === 'complete') return undefined
  if (status === 'error') return `[This answer broke off here: ${error?.message ?? 'unknown error'}]`
  if (status === 'cancelled' || cancelling) return '[The user stopped this answer here.]'
  if (status === 'suspended') return '[This answer waits for the user here.]'
  return '[This answer is still being written.]'
}

interface OpenTurn<M extends object> {
  prompt?: InputNode<M>
  /** Several where a reply inside a run was regenerated. */
  runs: Waypoint<M>[]
}

function turnsOf<M extends object>(tree: Tree<M>, trigger: Row): Turn<M>[] {
  const turns: OpenTurn<M>[] = []
  for (const waypoint of pathTo(tree, trigger).waypoints) {
    if (waypoint.node instanceof InputNode) turns.push({ prompt: waypoint.node, runs: [] })
    else if (turns.length > 0) turns.at(-1)!.runs.push(waypoint)
    else turns.push({ runs: [waypoint] })
  }
  return turns.map((turn, index) => closeTurn(tree, turn, index === turns.length - 1))
}

function closeTurn<M extends object>(tree: Tree<M>, { prompt, runs }: OpenTurn<M>, isLast: boolean): Turn<M> {
  const isFollowed = runs.length > 0
  // NOTE: prompts sent before the first token follow each other, not the answers between them
  const beside = isFollowed || isLast || !prompt ? undefined : shownAnswer(tree, prompt)
  const answers = beside ? [{ node: beside }] : runs
  const last = answers.at(-1)
  const run = last && !isCut(last) ? last.node : undefined
  const [message] = prompt ? messagesOf({ node: prompt }) : []
  return {
    ...(message && { prompt: message }),
    ...(run instanceof RunNode && { run: tree.info(run) }),
    answer: answers.flatMap(messagesOf),
    isFollowed,
  }
}

/** The newest reply to a prompt, which is what views show. */
function shownAnswer<M extends object>(tree: Tree<M>, prompt: InputNode<M>): RunNode<M> | undefined {
  const candidates = new Set<TreeNode<M>>([...tree.children(prompt.key), ...tree.runsOf(prompt.key)])
  return [...candidates]
    .filter((node) => node instanceof RunNode)
    .filter((run) => run.visible)
    .toSorted(bySort)
    .at(-1)
}

const isCut = <M extends object>({ node, until }: Waypoint<M>): boolean =>
  until !== undefined && until !== [...node.messageIds()].at(-1)

function messagesOf<M extends object>({ node, until }: Waypoint<M>): M[] {
  const ids = [...node.messageIds()]
  const end = until === undefined ? -1 : ids.indexOf(until)
  return (end < 0 ? ids : ids.slice(0, end + 1)).map((id) => node.message(id)!)
}
