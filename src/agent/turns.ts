import type { ReplyCodec } from '../core/codec'
import { bySerial, isPlainObject } from '../core/collections'
import { isFork } from '../core/forks'
import { InputNode } from '../core/input-node'
import { isStreamed } from '../core/log'
import type { Row } from '../core/rows'
import { byLevel, type TreeNode } from '../core/node'
import { Projection } from '../core/projection'
import { RunFold } from '../core/run-fold'
import { RunNode } from '../core/run-node'
import { plainPort } from '../core/signals'
import type { Tree } from '../core/tree'
import { Header, MessageName } from '../core/wire'
import type { Turn } from './agent-run'
import type { PublishedRows } from './run-publisher'
import { steerIdsIn, unansweredIn } from './steer-passes'
import type { UsedAnswers } from './live-run'
import { isContinuation, isRegeneration } from './run-messages'

/** A node on the path to a trigger. */
export interface Waypoint<M extends object> {
  readonly node: TreeNode<M>
  /** The last of its messages on the path; undefined when all of them are. */
  readonly until?: string
}

/** The path from the beginning of a conversation to a trigger. */
export interface Path<M extends object> {
  readonly waypoints: readonly Waypoint<M>[]
  /** False while only the id of the path's first message is known. */
  readonly isWhole: boolean
}

/**
 * Walks back from a trigger to the beginning. The output of the triggered run is not part of it. The tree must be
 * settled.
 */
export function pathTo<M extends object>(tree: Tree<M>, trigger: Row): Path<M> {
  const waypoints: Waypoint<M>[] = []
  const seen = new Set<TreeNode<M>>()
  // NOTE: a message that follows one inside a run replaces the rest of that run
  let { id, cuts, isWhole } = beginningOf(tree, trigger)
  while (id !== undefined) {
    const node = tree.nodeOf(id)
    if (node && seen.has(node)) break
    if (!node || isHalfKnown(node)) isWhole = false
    if (!node) break
    seen.add(node)
    waypoints.push({ node, ...(cuts && { until: id }) })
    cuts = node instanceof RunNode
    id = node.parent
  }
  return { waypoints: waypoints.toReversed(), isWhole }
}

/** The parent of a run is certain only once its start is known. */
const isHalfKnown = <M extends object>(node: TreeNode<M>): boolean => node instanceof RunNode && !node.start

/** Where the walk begins: at the prompt itself, else at the parent of its reply. */
function beginningOf<M extends object>(
  tree: Tree<M>,
  trigger: Row,
): { id: string | undefined; cuts: boolean; isWhole: boolean } {
  const { transport } = trigger
  if (isContinuation(trigger)) {
    const run = tree.runs.get(transport[Header.runId]!)
    return { id: run?.parent, cuts: true, isWhole: run !== undefined && !isHalfKnown(run) }
  }
  const follows = isRegeneration(trigger) || isFork(trigger)
  return { id: transport[follows ? Header.parent : Header.messageId], cuts: follows, isWhole: true }
}

/** The kind of a message of an answer: written by the run, sent into it, or sent into it and never answered. */
export type Kind = 'reply' | 'steer' | 'missed'

/** A prompt with its answer, and facts about both. */
export interface TurnOnPath<M> {
  readonly turn: Turn<M>
  /** The kind of each message of the answer. */
  readonly kinds: readonly Kind[]
  /** Whether each message of the answer was cut short. */
  readonly isUnfinished: readonly boolean[]
  /** Whether the model is to answer now: the prompt itself, or the messages after it. */
  readonly isLast: boolean
  /** Whether a client has cancelled the prompt. */
  readonly isCancelled: boolean
}

interface Source<M extends object> {
  readonly tree: Tree<M>
  readonly codec: Pick<ReplyCodec<M, never>, 'breaksOff'>
}

interface OpenTurn<M extends object> {
  prompt?: InputNode<M>
  /** Several after a reply inside a run was regenerated. */
  runs: Waypoint<M>[]
}

/** The turns of the conversation up to a trigger, oldest first. */
export function turnsTo<M extends object>({ tree, codec }: Source<M>, trigger: Row): TurnOnPath<M>[] {
  const turns: OpenTurn<M>[] = []
  for (const waypoint of pathTo(tree, trigger).waypoints) {
    if (waypoint.node instanceof InputNode) turns.push({ prompt: waypoint.node, runs: [] })
    else if (turns.length > 0) turns.at(-1)!.runs.push(waypoint)
    else turns.push({ runs: [waypoint] })
  }
  return turns.map((turn, index) => closeTurn({ tree, codec }, turn, index === turns.length - 1))
}

function closeTurn<M extends object>(
  { tree, codec }: Source<M>,
  { prompt, runs }: OpenTurn<M>,
  isLast: boolean,
): TurnOnPath<M> {
  const isFollowed = runs.length > 0
  // NOTE: a prompt sent before the first token follows the previous prompt, not its answer
  const beside = isFollowed || isLast || !prompt ? undefined : shownAnswer(tree, prompt)
  const answers = beside ? [{ node: beside }] : runs
  const last = answers.at(-1)
  const run = last && !isLeftEarly(last) ? last.node : undefined
  const [message] = prompt ? [...prompt.ids].map((id) => prompt.message(id)!) : []
  const messages = answers.flatMap((answer) => messagesOf(answer, codec)).filter((each) => isForModel(each.message))
  const turn = {
    ...(message && isForModel(message) && { prompt: message }),
    ...(run instanceof RunNode && { run: run.info() }),
    answer: messages.map((each) => each.message),
    isFollowed,
  }
  const isCancelled = prompt !== undefined && tree.cancels.of(prompt).length > 0
  const kinds = messages.map(({ kind }) => kind)
  return { turn, kinds, isUnfinished: messages.map((each) => each.isUnfinished), isLast, isCancelled }
}

/** The newest reply to a prompt, which views show. */
function shownAnswer<M extends object>(tree: Tree<M>, prompt: InputNode<M>): RunNode<M> | undefined {
  const candidates = new Set<TreeNode<M>>([...tree.children(prompt.key), ...tree.runsOf(prompt.key)])
  return [...candidates]
    .filter((node) => node instanceof RunNode)
    .filter((run) => tree.isListed(run))
    .toSorted(byLevel)
    .at(-1)
}

const isLeftEarly = <M extends object>({ node, until }: Waypoint<M>): boolean =>
  until !== undefined && until !== [...node.ids].at(-1)

/** The messages of a run up to the one that the path leaves it at; else all of them, with unanswered steers last. */
function messagesOf<M extends object>(
  { node, until }: Waypoint<M>,
  codec: Source<M>['codec'],
): { message: M; kind: Kind; isUnfinished: boolean }[] {
  const rows = node instanceof RunNode ? node.rows : []
  const steerIds = steerIdsIn(rows)
  const unfinished = unfinishedIn(rows, codec)
  const ids = [...node.ids]
  const end = until === undefined ? -1 : ids.indexOf(until)
  const isUnanswered = end < 0 ? unansweredIn(rows) : () => false
  const kindOf = (id: string, message: M): Kind => {
    if (isUnanswered(id)) return 'missed'
    return steerIds.has(id) || isUsers(message) ? 'steer' : 'reply'
  }
  return (end < 0 ? missedLast(ids, isUnanswered) : ids.slice(0, end + 1)).map((id) => {
    const message = node.message(id)!
    return { message, kind: kindOf(id, message), isUnfinished: unfinished.has(id) }
  })
}

// NOTE: a fork begins with copies of the messages of another run, and a copied steer is a steer by its role alone
const isUsers = (message: object): boolean => (message as { role?: unknown }).role === 'user'

/** Message ids with those of unanswered steers last. */
const missedLast = (ids: readonly string[], isUnanswered: (id: string) => boolean): string[] => [
  ...ids.filter((id) => !isUnanswered(id)),
  ...ids.filter(isUnanswered),
]

/** Whether a message has a role that a model may be given. */
// NOTE: a client may publish under any role, and a system message would change the instructions of the model
function isForModel(message: object): boolean {
  const { role } = message as { role?: unknown }
  return role === undefined || role === 'user' || role === 'assistant'
}

type Codec = Pick<ReplyCodec<never, never>, 'breaksOff'>
type Ids = ReadonlySet<string | undefined>

const messageIdsOf = (rows: readonly Row[]): Ids => new Set(rows.map(({ transport }) => transport[Header.messageId]))

/** The ids of messages with a stream that did not complete, or with a row that says that they were cut short. */
const cutShortIn = (rows: readonly Row[], codec: Codec): Ids =>
  messageIdsOf(rows.filter((row) => isCut(row) || codec.breaksOff?.(row)))

const isCut = (row: Row): boolean => isStreamed(row) && row.transport[Header.status] !== 'complete'

/**
 * The ids of replies that the model did not bring to their end: those that were cut short, and those of a step that did
 * not complete.
 *
 * @param rows - all rows of a run
 */
function unfinishedIn(rows: readonly Row[], codec: Codec): Ids {
  const isEnd = ({ name, transport }: Row): boolean =>
    name === MessageName.stepEnd && transport[Header.stepReason] === 'complete'
  const whole = new Set(rows.filter(isEnd).map(({ transport }) => transport[Header.attempt]))
  const outputs = rows.filter(({ name }) => name === MessageName.output)
  return new Set([
    ...cutShortIn(rows, codec),
    ...messageIdsOf(outputs.filter((row) => !whole.has(row.transport[Header.attempt]))),
  ])
}

/** A run that is open, as its own context needs it. */
export interface OwnRun {
  readonly runId: string
  /** The run's owner, verified by Ably. */
  readonly ownerClientId: string | undefined
  readonly published: PublishedRows
  readonly answers: UsedAnswers
  /** Whether a steer is to be left out. */
  isIgnored(messageId: string): boolean
}

/** A message of an open run. */
export interface OwnMessage<M> {
  readonly message: M
  /** Whether the run itself wrote it. */
  readonly isReply: boolean
  /** Whether it was cut short. */
  readonly isUnfinished: boolean
}

/**
 * The messages of an open run so far, as fresh objects: output of this process as published, output of other processes
 * as heard, and unanswered steers last.
 */
export function ownMessages<M extends object>(
  { tree, codec }: { readonly tree: Tree<M>; readonly codec: Pick<ReplyCodec<M, never>, 'breaksOff'> },
  trigger: Row,
  run: OwnRun,
): OwnMessage<M>[] {
  const all = knownRows(tree, trigger, run)
  const fold = new RunFold(all)
  const rows = readable(tree, fold.content, run)
  const projection = new Projection({ codec: tree.codec, port: plainPort })
  // NOTE: copies, because folding makes a row point to its part, and the tree's rows point to the tree's parts
  projection.fold(rows, { read: (row) => ({ ...row }) })
  const steerIds = steerIdsIn(rows)
  const unfinished = cutShortIn(rows, codec)
  const isUnanswered = unansweredIn(all, fold)
  const known = [...projection.ids].filter((id) => !run.isIgnored(id) && isForModel(projection.get(id)!))
  return missedLast(known, isUnanswered).map((id) => {
    const message = projection.get(id)!
    const isReply = !steerIds.has(id) && !isUsers(message)
    return { message: freshCopy(message), isReply, isUnfinished: unfinished.has(id) }
  })
}

/** The rows of a run, heard or published, by serial. An answer that starts a run of its own belongs to that run. */
function knownRows(tree: Tree<object>, trigger: Row, { runId, published }: OwnRun): Row[] {
  const isOwn = isFork(trigger) || trigger.transport[Header.runId] !== undefined
  const all = [...(isOwn ? [trigger] : []), ...(tree.runs.get(runId)?.rows ?? []), ...published.rows()]
  const known = new Map(all.map((row) => [row.serial, row]))
  return [...known.values()].filter((row) => !row.deleted).toSorted(bySerial)
}

/** The rows of these that count, as the tree reads them. */
function readable<M extends object>(
  tree: Tree<M>,
  rows: readonly Row[],
  { runId, ownerClientId, answers }: OwnRun,
): Row[] {
  const node = tree.runs.get(runId)
  const used = node && answers.among(node)
  return rows
    .filter((row) => !used?.isOutdone(row))
    .flatMap((row) => (row.name === MessageName.input ? (tree.access.filterInput(row, ownerClientId) ?? []) : row))
}

// NOTE: no real data is nested so deep
const maxDepth = 100

/**
 * A copy of a message for a model, with no value that would make each later request fail: a replacement character
 * stands for each half of a character, which providers refuse, and a short text for data that is nested too deep to be
 * copied or written as JSON.
 */
export function freshCopy<T>(value: T, depth = 0): T {
  if (typeof value === 'string') return value.toWellFormed() as T
  if (!isPlainObject(value) && !Array.isArray(value)) return value
  if (depth === maxDepth) return '[nested too deep]' as T
  if (Array.isArray(value)) return value.map((each: unknown) => freshCopy(each, depth + 1)) as T
  // Bytes and other instances
  if (Object.getPrototypeOf(value) !== Object.prototype) return structuredClone(value)
  const entries = Object.entries(value).map(([key, each]) => [key.toWellFormed(), freshCopy(each, depth + 1)] as const)
  return Object.fromEntries(entries) as T
}
