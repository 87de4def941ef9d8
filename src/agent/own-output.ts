import type { ReplyCodec } from '../core/codec'
import { bySerial } from '../core/collections'
import { isFork } from '../core/forks'
import type { Row } from '../core/log'
import { plainPort } from '../core/signals'
import { Projection } from '../core/projection'
import { RunFold } from '../core/run-fold'
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
  const all = knownRows(tree, trigger, run)
  const fold = new RunFold(all)
  const rows = readable(tree, fold.content, run)
  const projection = new Projection(tree.codec, plainPort)
  // NOTE: copies, because folding makes a row point to its part, and the tree's rows point to the tree's parts
  for (const row of rows) projection.add({ ...row })
  const steerIds = steerIdsIn(rows)
  const unfinished = cutShortIn(rows, codec)
  const isUnanswered = unansweredIn(all, fold)
  const known = [...projection.ids].filter((id) => !run.isIgnored(id) && isForModel(projection.held(id)!))
  return missedLast(known, isUnanswered).map((id) => ({
    message: structuredClone(projection.held(id)!),
    isReply: !steerIds.has(id),
    isUnfinished: unfinished.has(id),
  }))
}

/** The rows of a run, heard or published, by serial. An answer that starts a run of its own belongs to that run. */
function knownRows(tree: Tree<object>, trigger: Row, { runId, published }: OwnRun): Row[] {
  const isOwn = isFork(trigger) || trigger.transport[Header.runId] !== undefined
  const all = [...(isOwn ? [trigger] : []), ...(tree.runs.get(runId)?.allRows() ?? []), ...published.rows()]
  const known = new Map(all.map((row) => [row.serial, row]))
  return [...known.values()].filter((row) => !row.deleted).toSorted(bySerial)
}

/** The rows of these that count, as the tree reads them. */
function readable(tree: Tree<object>, rows: readonly Row[], { runId, ownerClientId }: OwnRun): Row[] {
  const node = tree.runs.get(runId)
  return rows
    .filter((row) => !node?.isOutdone(row))
    .flatMap((row) => (row.name === MessageName.input ? (tree.access.filterInput(row, ownerClientId) ?? []) : row))
}
