import { answersIn, settledBefore } from '../core/answers'
import type { Row } from '../core/log'
import { isEntry } from '../core/run-info'
import type { RunNode } from '../core/run-node'
import type { Tree } from '../core/tree'
import { Header, MessageName } from '../core/wire'
import type { Subject } from './context'

/** An input that an agent has to accept: it starts a run, or goes into one. */
export interface Trigger {
  readonly inputId: string
  /** The run that it goes into; undefined when it starts one. */
  readonly runId?: string
  readonly eventId?: string
}

/** A trigger that an agent can be woken with. */
export type WakeTrigger = Trigger & { readonly eventId: string }

/** The run that a trigger has started, or goes into. */
export const runOf = <M extends object>(tree: Tree<M>, { inputId, runId }: Trigger): RunNode<M> | undefined =>
  runId === undefined ? tree.latestRunOf(inputId) : tree.runs.get(runId)

/** The subject that shows whether a trigger is pending. */
export const subjectOf = <M extends object>(tree: Tree<M>, { inputId, runId }: Trigger): Subject<M> =>
  (runId === undefined ? (tree.inputs.get(inputId) ?? tree.nodeOf(inputId)) : tree.runs.get(runId)) ?? inputId

/** The run of a trigger once its agent has accepted the trigger, or the run has ended. */
export function acceptedRun<M extends object>(tree: Tree<M>, trigger: Trigger): RunNode<M> | undefined {
  const run = runOf(tree, trigger)
  return !run || trigger.runId === undefined || run.hasEnded || isAccepted(run, trigger) ? run : undefined
}

// NOTE: by serial, because several inputs that go into a run can share a message id
function isAccepted(run: RunNode<object>, { inputId, eventId }: Trigger): boolean {
  const input = run.contentRows.findLast(
    ({ name, transport }) => name === MessageName.input && transport[Header.eventId] === eventId,
  )
  const isIts = (row: Row): boolean => isEntry(row) && row.transport[Header.inputId] === inputId
  return input !== undefined && (run.lifecycleRows.findLast(isIts)?.serial ?? '') > input.serial
}

/** The newest answer in a run that counts. */
export function newestAnswer<M extends object>(tree: Tree<M>, run: RunNode<M>): Row | undefined {
  const answers = answersIn(tree, run)
  return answers.findLast((row) => !settledBefore(tree.codec, answers, row))
}
