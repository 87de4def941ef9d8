import type { RunNode } from '../core/run-node'
import type { Row } from '../core/log'
import { isSteer } from '../core/steers'
import type { Tree } from '../core/tree'
import { Header, MessageName } from '../core/wire'

/** An input that an agent is to take up: it starts a run, or goes into one. */
export interface Trigger {
  readonly inputId: string
  /** The run that it goes into; undefined when it is to start one. */
  readonly runId?: string
  readonly eventId?: string
}

/** The run that a trigger has started, or goes into. */
export const runOf = <M extends object>(tree: Tree<M>, { inputId, runId }: Trigger): RunNode<M> | undefined =>
  runId === undefined ? tree.runsOf(inputId).findLast((run) => run.visible) : tree.runs.get(runId)

/** The run of a trigger once its agent has taken that up, or can no more. */
export function runTakenUp<M extends object>(tree: Tree<M>, trigger: Trigger): RunNode<M> | undefined {
  const run = runOf(tree, trigger)
  return !run || trigger.runId === undefined || run.hasEnded || isEntered(run, trigger) ? run : undefined
}

// NOTE: told by serial, since several inputs that go into a run can share a message id
function isEntered(run: RunNode<object>, { inputId, eventId }: Trigger): boolean {
  const rows = run.allRows()
  const serial = rows.find((row) => row.name === MessageName.input && row.transport[Header.eventId] === eventId)?.serial
  if (serial === undefined) return false
  return rows.some((row) => entries.has(row.name) && row.transport[Header.inputId] === inputId && row.serial > serial)
}

/** What tells that an agent has taken up an input of a run. */
export const entries: ReadonlySet<MessageName> = new Set([MessageName.runStart, MessageName.runResume])

/** The newest answer in a run that counts. */
export const newestAnswer = <M extends object>(tree: Tree<M>, run: RunNode<M>): Row | undefined =>
  run
    .allRows()
    .findLast(
      (row) => row.name === MessageName.input && !isSteer(row) && tree.access.filterInput(row, run.owner) !== undefined,
    )
