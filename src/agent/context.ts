import type { ReplyCodec, ReplyReading } from '../core/codec'
import type { Row } from '../core/log'
import { bySort, type TreeNode } from '../core/node'
import { InputNode } from '../core/input-node'
import { RunNode } from '../core/run-node'
import type { RunInfo } from '../core/run-info'
import type { Tree } from '../core/tree'
import { ownMessages, type OwnRun } from './own-messages'
import { pathTo, type Waypoint } from './path'
import { lateAmong, saidAmong } from './steer-watch'
import { settleFinally } from './settle-finally'

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

/**
 * The conversation up to a trigger, as fresh objects; with what the run that answers it has said so far, where that is
 * asked for.
 */
export function contextOf<M extends object>(
  { tree, codec }: { readonly tree: Tree<M>; readonly codec: ModelCodec<M> },
  trigger: Row,
  include: ContextRule<M> = 'all',
  own?: OwnRun,
): M[] {
  settleFinally(tree)
  const before = turnsOf(tree, trigger).flatMap(({ turn, replies }) => {
    const given = structuredClone(turn)
    if (include === 'all') return withNote(codec, given, replies)
    return include === 'answered' ? onlyAnswered(codec, given, replies) : include(given)
  })
  if (!own) return before
  const { messages, replies } = ownMessages(tree, trigger, own)
  return [...before, ...readable(codec, messages, replies, { isOpen: true })]
}

/** What a codec says about replies that a model reads. */
type ModelCodec<M extends object> = Pick<ReplyCodec<M, never>, 'forModel'>

/** Which of the messages of an answer were written by the run, not said to it. */
type Replies = readonly boolean[]

function withNote<M extends object>(codec: ModelCodec<M>, { prompt, run, answer }: Turn<M>, replies: Replies): M[] {
  return [...(prompt ? [prompt] : []), ...readable(codec, answer, replies, { note: run && noteOn(run) })]
}

function onlyAnswered<M extends object>(
  codec: ModelCodec<M>,
  { prompt, run, answer, isFollowed }: Turn<M>,
  replies: Replies,
): M[] {
  const own = prompt ? [prompt] : []
  if (!isFollowed) return own
  return !run || run.status === 'complete' ? [...own, ...readable(codec, answer, replies)] : []
}

/** Messages without replies that say nothing; the last reply has the note. */
function readable<M extends object>(
  codec: ModelCodec<M>,
  messages: readonly M[],
  replies: Replies,
  { note, isOpen }: ReplyReading = {},
): M[] {
  const read = (message: M, reading: ReplyReading): M | undefined =>
    codec.forModel ? codec.forModel(message, reading) : message
  const last = messages.findLastIndex((message, index) => replies[index] && read(message, {}) !== undefined)
  return messages.flatMap((message, index) => {
    if (!replies[index]) return [message]
    return read(message, { isOpen, ...(index === last && { note }) }) ?? []
  })
}

/** What a model should know about an answer that is not whole. */
function noteOn({ status, cancelling, error }: RunInfo): string | undefined {
  if (status === 'complete') return undefined
  if (status === 'error') return `[This answer broke off here: ${error?.message ?? 'unknown error'}]`
  if (status === 'cancelled' || (cancelling && !cancelling.refused)) return '[The user stopped this answer here.]'
  if (status === 'suspended') return '[This answer waits for the user here.]'
  return '[This answer is still being written.]'
}

interface OpenTurn<M extends object> {
  prompt?: InputNode<M>
  /** Several where a reply inside a run was regenerated. */
  runs: Waypoint<M>[]
}

/** A turn, and which messages of its answer are replies. */
interface ReadTurn<M> {
  readonly turn: Turn<M>
  readonly replies: Replies
}

function turnsOf<M extends object>(tree: Tree<M>, trigger: Row): ReadTurn<M>[] {
  const turns: OpenTurn<M>[] = []
  for (const waypoint of pathTo(tree, trigger).waypoints) {
    if (waypoint.node instanceof InputNode) turns.push({ prompt: waypoint.node, runs: [] })
    else if (turns.length > 0) turns.at(-1)!.runs.push(waypoint)
    else turns.push({ runs: [waypoint] })
  }
  return turns.map((turn, index) => closeTurn(tree, turn, index === turns.length - 1))
}

function closeTurn<M extends object>(tree: Tree<M>, { prompt, runs }: OpenTurn<M>, isLast: boolean): ReadTurn<M> {
  const isFollowed = runs.length > 0
  // NOTE: prompts sent before the first token follow each other, not the answers between them
  const beside = isFollowed || isLast || !prompt ? undefined : shownAnswer(tree, prompt)
  const answers = beside ? [{ node: beside }] : runs
  const last = answers.at(-1)
  const run = last && !isCut(last) ? last.node : undefined
  const [message] = prompt ? messagesOf({ node: prompt }) : []
  const said = new Set(answers.flatMap(({ node }) => (node instanceof RunNode ? [...saidAmong(node.allRows())] : [])))
  const ids = answers.flatMap((answer) => idsOf(answer).map((id) => ({ id, node: answer.node })))
  const turn = {
    ...(message && { prompt: message }),
    ...(run instanceof RunNode && { run: tree.info(run) }),
    answer: ids.map(({ id, node }) => node.message(id)!),
    isFollowed,
  }
  return { turn, replies: ids.map(({ id }) => !said.has(id)) }
}

/** The newest reply to a prompt, which is what views show. */
function shownAnswer<M extends object>(tree: Tree<M>, prompt: InputNode<M>): RunNode<M> | undefined {
  const candidates = new Set<TreeNode<M>>([...tree.children(prompt.key), ...tree.runsOf(prompt.key)])
  return [...candidates]
    .filter((node) => node instanceof RunNode)
    .filter((run) => tree.isListed(run))
    .toSorted(bySort)
    .at(-1)
}

const isCut = <M extends object>({ node, until }: Waypoint<M>): boolean =>
  until !== undefined && until !== [...node.messageIds()].at(-1)

const messagesOf = <M extends object>(waypoint: Waypoint<M>): M[] =>
  idsOf(waypoint).map((id) => waypoint.node.message(id)!)

function idsOf<M extends object>({ node, until }: Waypoint<M>): string[] {
  const ids = [...node.messageIds()]
  const end = until === undefined ? -1 : ids.indexOf(until)
  return end < 0 ? unansweredLast(node, ids) : ids.slice(0, end + 1)
}

/** What was said to a run and never answered comes after what the run has written. */
function unansweredLast<M extends object>(node: TreeNode<M>, ids: readonly string[]): string[] {
  const rows = node instanceof RunNode ? node.allRows() : []
  const isLate = lateAmong(rows)
  return [...ids.filter((id) => !isLate(id)), ...ids.filter(isLate)]
}
