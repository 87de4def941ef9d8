import { isFork } from '../core/forks'
import type { Row } from '../core/log'
import { plainPort } from '../core/port'
import { Projection } from '../core/projection'
import type { Tree } from '../core/tree'
import { Header, MessageName } from '../core/wire'
import { lateAmong, saidAmong } from './steer-watch'
import type { Written } from './written'

/** A run that is being written, as its own context needs it. */
export interface OwnRun {
  readonly runId: string
  /** Whose run it is, verified by Ably. */
  readonly ownerClientId: string | undefined
  readonly written: Written
  /** Whether a message that somebody put into the run is to be left out. */
  isIgnored(messageId: string): boolean
}

/** Messages, and which of them the run itself has written. */
export interface OwnMessages<M> {
  readonly messages: readonly M[]
  readonly replies: readonly boolean[]
}

/**
 * What a run has said so far and what was said to it, as fresh messages: outputs of this process at once, of others as the
 * channel has them, and last whatever no output has answered yet.
 */
export function ownMessages<M extends object>(tree: Tree<M>, trigger: Row, run: OwnRun): OwnMessages<M> {
  const rows = ownRows(tree, trigger, run)
  const projection = new Projection(tree.codec, plainPort)
  // NOTE: folding makes a row point to its part, and the tree's own rows point to its own
  for (const row of rows) projection.add({ ...row })
  const said = saidAmong(rows)
  const isLate = lateAmong([...(tree.runs.get(run.runId)?.allRows() ?? []), ...rows])
  const known = [...projection.ids()].filter((id) => !run.isIgnored(id))
  const ids = [...known.filter((id) => !isLate(id)), ...known.filter(isLate)]
  return {
    messages: structuredClone(ids.map((id) => projection.message(id)!)),
    replies: ids.map((id) => !said.has(id)),
  }
}

function ownRows<M extends object>(tree: Tree<M>, trigger: Row, { runId, ownerClientId, written }: OwnRun): Row[] {
  const heard = tree.runs.get(runId)?.allRows() ?? []
  const rows = new Map([trigger, ...heard, ...written.rows()].map((row) => [row.serial, row]))
  if (!isFork(trigger) && trigger.transport[Header.runId] === undefined) rows.delete(trigger.serial)
  const attempts = attemptsOf(heard, written)
  return [...rows.values()]
    .filter((row) => isContent(row) && isCurrent(row, attempts))
    .flatMap((row) => (row.name === MessageName.input ? (tree.access.filterInput(row, ownerClientId) ?? []) : row))
    .toSorted((a, b) => (a.serial < b.serial ? -1 : 1))
}

const isContent = ({ name, deleted }: Row): boolean =>
  !deleted && (name === MessageName.input || name === MessageName.output)

function attemptsOf(heard: readonly Row[], written: Written): Map<string, string> {
  const attempts = new Map(written.attempts())
  for (const { name, transport, serial } of heard) {
    const stepId = transport[Header.stepId]
    if (name !== MessageName.stepStart || stepId === undefined) continue
    if (serial > (attempts.get(stepId) ?? '')) attempts.set(stepId, serial)
  }
  return attempts
}

/** What an attempt wrote that was tried again counts no more. */
function isCurrent({ transport }: Row, attempts: ReadonlyMap<string, string>): boolean {
  const attempt = transport[Header.attempt]
  return attempt === undefined || (attempts.get(transport[Header.stepId] ?? '') ?? attempt) === attempt
}
