import type { ReplyCodec, ReplyReading } from '../core/codec'
import { isFork } from '../core/requests'
import type { Row } from '../core/log'
import { plainPort } from '../core/signals'
import { Projection } from '../core/projection'
import { Header, MessageName } from '../core/wire'
import { bySort, type TreeNode } from '../core/node'
import { InputNode } from '../core/input-node'
import { RunNode } from '../core/run-node'
import type { RunInfo } from '../core/run-info'
import type { Tree } from '../core/tree'
import type { ContextRule, Turn } from './agent-run'
import { pathTo, settleFully, type Waypoint } from './path'
import type { PublishedRows } from './published-rows'
import { steerIdsIn, unansweredIn } from './steers'

/**
 * The conversation up to a trigger, as fresh objects.
 *
 * @param own - the run that answers the trigger, to add its messages so far
 */
export function contextOf<M extends object>(
  { tree, codec }: { readonly tree: Tree<M>; readonly codec: ModelCodec<M> },
  trigger: Row,
  include: ContextRule<M> = 'all',
  own?: OwnRun,
): M[] {
  settleFully(tree)
  const before = turnsOf(tree, trigger).flatMap(({ turn, replies }) => {
    const given = structuredClone(turn)
    if (include === 'all') return withNote(codec, given, replies)
    return include === 'answered' ? onlyAnswered(codec, given, replies) : include(given)
  })
  if (!own) return before
  const { messages, replies } = ownMessages(tree, trigger, own)
  return [...before, ...readable(codec, messages, replies, { isOpen: true })]
}

/** The part of a codec that prepares replies for a model. */
type ModelCodec<M extends object> = Pick<ReplyCodec<M, never>, 'forModel'>

/** For each message of an answer, whether the run wrote it; steers are false. */
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

/** Messages without empty replies; the last reply gets the note. */
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

/** Tells the model why an answer is incomplete. */
function noteOn({ status, cancelling, error }: RunInfo): string | undefined {
  if (status === 'complete') return undefined
  if (status === 'error') return `[This answer broke off here: ${error?.message ?? 'unknown error'}]`
  if (status === 'cancelled' || (cancelling && !cancelling.refused)) return '[The user stopped this answer here.]'
  if (status === 'suspended') return '[This answer waits for the user here.]'
  return '[This answer is still being written.]'
}

interface OpenTurn<M extends object> {
  prompt?: InputNode<M>
  /** Several after a reply inside a run was regenerated. */
  runs: Waypoint<M>[]
}

/** A turn with its replies marked. */
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
  // NOTE: a prompt sent before the first token follows the previous prompt, not its answer
  const beside = isFollowed || isLast || !prompt ? undefined : shownAnswer(tree, prompt)
  const answers = beside ? [{ node: beside }] : runs
  const last = answers.at(-1)
  const run = last && !isCut(last) ? last.node : undefined
  const [message] = prompt ? messagesOf({ node: prompt }) : []
  const steerIds = new Set(
    answers.flatMap(({ node }) => (node instanceof RunNode ? [...steerIdsIn(node.allRows())] : [])),
  )
  const ids = answers.flatMap((answer) => idsOf(answer).map((id) => ({ id, node: answer.node })))
  const turn = {
    ...(message && { prompt: message }),
    ...(run instanceof RunNode && { run: tree.info(run) }),
    answer: ids.map(({ id, node }) => node.message(id)!),
    isFollowed,
  }
  return { turn, replies: ids.map(({ id }) => !steerIds.has(id)) }
}

/** The newest reply to a prompt, which views show. */
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

/** Puts the unanswered steers of a run after its output. */
function unansweredLast<M extends object>(node: TreeNode<M>, ids: readonly string[]): string[] {
  const rows = node instanceof RunNode ? node.allRows() : []
  const isUnanswered = unansweredIn(rows)
  return [...ids.filter((id) => !isUnanswered(id)), ...ids.filter(isUnanswered)]
}

/** A run that is open, as its own context needs it. */
export interface OwnRun {
  readonly runId: string
  /** The run's owner, verified by Ably. */
  readonly ownerClientId: string | undefined
  readonly published: PublishedRows
  /** Whether a steer is to be left out. */
  isIgnored(messageId: string): boolean
}

/** Messages of a run, and for each whether the run itself wrote it. */
interface OwnMessages<M> {
  readonly messages: readonly M[]
  readonly replies: readonly boolean[]
}

/**
 * The messages of an open run so far, as fresh objects: output of this process as published, output of other processes as
 * heard, and unanswered steers last.
 */
function ownMessages<M extends object>(tree: Tree<M>, trigger: Row, run: OwnRun): OwnMessages<M> {
  const rows = ownRows(tree, trigger, run)
  const projection = new Projection(tree.codec, plainPort)
  // NOTE: copies, because folding makes a row point to its part, and the tree's rows point to the tree's parts
  for (const row of rows) projection.add({ ...row })
  const steerIds = steerIdsIn(rows)
  const isUnanswered = unansweredIn([...(tree.runs.get(run.runId)?.allRows() ?? []), ...rows])
  const known = [...projection.ids()].filter((id) => !run.isIgnored(id))
  const ids = [...known.filter((id) => !isUnanswered(id)), ...known.filter(isUnanswered)]
  return {
    messages: structuredClone(ids.map((id) => projection.message(id)!)),
    replies: ids.map((id) => !steerIds.has(id)),
  }
}

function ownRows<M extends object>(tree: Tree<M>, trigger: Row, run: OwnRun): Row[] {
  const { runId, ownerClientId, published } = run
  const heard = tree.runs.get(runId)?.allRows() ?? []
  const rows = new Map([trigger, ...heard, ...published.rows()].map((row) => [row.serial, row]))
  if (!isFork(trigger) && trigger.transport[Header.runId] === undefined) rows.delete(trigger.serial)
  const attempts = attemptsOf(heard, published)
  return [...rows.values()]
    .filter((row) => isContent(row) && isCurrent(row, attempts))
    .flatMap((row) => (row.name === MessageName.input ? (tree.access.filterInput(row, ownerClientId) ?? []) : row))
    .toSorted((a, b) => (a.serial < b.serial ? -1 : 1))
}

const isContent = ({ name, deleted }: Row): boolean =>
  !deleted && (name === MessageName.input || name === MessageName.output)

function attemptsOf(heard: readonly Row[], published: PublishedRows): Map<string, string> {
  const attempts = new Map(published.attempts())
  for (const { name, transport, serial } of heard) {
    const stepId = transport[Header.stepId]
    if (name !== MessageName.stepStart || stepId === undefined) continue
    if (serial > (attempts.get(stepId) ?? '')) attempts.set(stepId, serial)
  }
  return attempts
}

/** Whether a row belongs to the newest attempt of its step. */
function isCurrent({ transport }: Row, attempts: ReadonlyMap<string, string>): boolean {
  const attempt = transport[Header.attempt]
  return attempt === undefined || (attempts.get(transport[Header.stepId] ?? '') ?? attempt) === attempt
}
