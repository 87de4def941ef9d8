import type { ReplyCodec } from '../core/codec'
import { bySerial } from '../core/collections'
import { isFork } from '../core/forks'
import type { Row } from '../core/log'
import { plainPort } from '../core/signals'
import { Projection } from '../core/projection'
import type { Tree } from '../core/tree'
import { Header, MessageName } from '../core/wire'
import type { PublishedRows } from './run-publisher'
import { steerIdsIn, unansweredIn } from './steer-passes'
import { isForModel, missedLast, cutShortIn } from './turns'

/** A run that is open, as its own context needs it. */
export interface OwnRun {
  readonly runId: string
  /** The run's owner, verified by Ably. */
  readonly ownerClientId: string | undefined
  readonly published: PublishedRows
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
 * The messages of an open run so far, as fresh objects: output of this process as published, output of other processes as
 * heard, and unanswered steers last.
 */
export function ownMessages<M extends object>(
  { tree, codec }: { readonly tree: Tree<M>; readonly codec: Pick<ReplyCodec<M, never>, 'breaksOff'> },
  trigger: Row,
  run: OwnRun,
): OwnMessage<M>[] {
  const rows = ownRows(tree, trigger, run)
  const projection = new Projection(tree.codec, plainPort)
  // NOTE: copies, because folding makes a row point to its part, and the tree's rows point to the tree's parts
  for (const row of rows) projection.add({ ...row })
  const steerIds = steerIdsIn(rows)
  const unfinished = cutShortIn(rows, codec)
  const isUnanswered = unansweredIn([...(tree.runs.get(run.runId)?.allRows() ?? []), ...rows])
  const known = [...projection.ids].filter((id) => !run.isIgnored(id) && isForModel(projection.held(id)!))
  return missedLast(known, isUnanswered).map((id) => ({
    message: structuredClone(projection.held(id)!),
    isReply: !steerIds.has(id),
    isUnfinished: unfinished.has(id),
  }))
}

function ownRows<M extends object>(tree: Tree<M>, trigger: Row, run: OwnRun): Row[] {
  const { runId, ownerClientId, published } = run
  const node = tree.runs.get(runId)
  const heard = node?.allRows() ?? []
  const rows = new Map([trigger, ...heard, ...published.rows()].map((row) => [row.serial, row]))
  if (!isFork(trigger) && trigger.transport[Header.runId] === undefined) rows.delete(trigger.serial)
  const attempts = attemptsOf(heard, published)
  return [...rows.values()]
    .filter((row) => isContent(row) && isOfNewest(row, attempts) && !node?.isOutdone(row))
    .flatMap((row) => (row.name === MessageName.input ? (tree.access.filterInput(row, ownerClientId) ?? []) : row))
    .toSorted(bySerial)
}

const isContent = ({ name, deleted }: Row): boolean =>
  !deleted && (name === MessageName.input || name === MessageName.output)

/** Whether a row is of the newest attempt of its step. */
function isOfNewest({ transport }: Row, attempts: ReadonlyMap<string, string>): boolean {
  const attempt = transport[Header.attempt]
  return attempt === undefined || (attempts.get(transport[Header.stepId] ?? '') ?? attempt) === attempt
}

function attemptsOf(heard: readonly Row[], published: PublishedRows): Map<string, string> {
  const attempts = new Map(published.attempts())
  for (const { name, transport, serial } of heard) {
    const stepId = transport[Header.stepId]
    if (name !== MessageName.stepStart || stepId === undefined) continue
    if (serial > (attempts.get(stepId) ?? '')) attempts.set(stepId, serial)
  }
  return attempts
}
