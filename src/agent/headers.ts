import { isFork } from '../core/forks'
import type { Row } from '../core/log'
import type { RunEndReason, RunStep } from '../core/run-state'
import { Header, headers, MessageName, type Headers, type OutgoingMessage } from '../core/wire'
import { failureHeaders, type RunFailure } from './run-failure'

/** Who a run is and what it answers. Fixed once its trigger is known; every message of the run says it. */
export interface RunIdentity {
  readonly runId: string
  readonly invocationId: string
  /** The client whose run it is, verified by Ably where that is possible; empty when nobody knows. */
  readonly owner: string
  /** Ably-verified publisher of the trigger. */
  readonly inputClientId: string | undefined
  /** Message id of the trigger. */
  readonly inputId: string | undefined
  /** The message that this run's start follows. */
  readonly startParent: string | undefined
  /** The message that this run's outputs follow. */
  readonly parent: string | undefined
  readonly forkOf: string | undefined
  readonly regenerates: string | undefined
}

/** A step that is open: everything published in it names it. */
export interface StepIdentity {
  readonly stepId: string
  readonly clientId: string
  /** Serial of its start. */
  readonly attempt: string
}

export type StepReason = Exclude<RunStep['status'], 'active'>

/**
 * Who a run is.
 *
 * @param owner - whose run it is, where that is not told by the trigger: one that goes on stays its first owner's
 */
export function identityOf(
  trigger: Row,
  { owner, ...ids }: { runId: string; invocationId: string; owner?: string },
): RunIdentity {
  const { transport } = trigger
  const regenerates = transport[Header.regenerates]
  const inputId = transport[Header.messageId]
  const before = transport[Header.parent]
  return {
    ...ids,
    owner: owner ?? trigger.clientId ?? transport[Header.owner] ?? '',
    inputClientId: trigger.clientId,
    inputId,
    startParent: regenerates === undefined && !isFork(trigger) ? inputId : before,
    // NOTE: a request to regenerate is no message, so the new reply follows what the old one followed
    parent: regenerates === undefined ? inputId : before,
    forkOf: transport[Header.forkOf],
    regenerates,
  }
}

/** Whether an input asks for another reply instead of being a message itself. */
export const isRegeneration = (trigger: Row): boolean => trigger.transport[Header.regenerates] !== undefined

/** Whether an input answers into a run that waits. */
export const isContinuation = (trigger: Row): boolean => trigger.transport[Header.runId] !== undefined

export function runStart(run: RunIdentity): OutgoingMessage {
  return lifecycle(MessageName.runStart, { ...ofRun(run), ...structureOf(run), [Header.parent]: run.startParent })
}

export const runResume = (run: RunIdentity): OutgoingMessage => lifecycle(MessageName.runResume, ofRun(run))

export const runSuspend = (run: RunIdentity): OutgoingMessage => lifecycle(MessageName.runSuspend, ofRun(run))

export function runEnd(run: RunIdentity, reason: RunEndReason, failure?: RunFailure): OutgoingMessage {
  return lifecycle(MessageName.runEnd, {
    ...ofRun(run),
    [Header.runReason]: reason,
    ...(reason === 'error' && failure && failureHeaders(failure)),
  })
}

export const cancelRefused = (run: RunIdentity, serial: string): OutgoingMessage =>
  lifecycle(MessageName.cancelRefused, { ...ofRun(run), [Header.refuses]: serial })

export function stepStart(run: RunIdentity, step: Omit<StepIdentity, 'attempt'>): OutgoingMessage {
  return lifecycle(MessageName.stepStart, ofStep(run, step))
}

export function stepEnd(run: RunIdentity, step: StepIdentity, reason: StepReason): OutgoingMessage {
  return lifecycle(MessageName.stepEnd, {
    ...ofStep(run, step),
    [Header.attempt]: step.attempt,
    [Header.stepReason]: reason,
  })
}

/** Headers that all outputs of one message share; `steers` are the ids of messages that it answers besides the trigger. */
export function outputHeaders(
  run: RunIdentity,
  step: StepIdentity,
  messageId: string,
  steers: readonly string[] = [],
): Headers {
  return headers({
    [Header.role]: 'assistant',
    [Header.messageId]: messageId,
    ...ofRun(run),
    ...structureOf(run),
    [Header.stepId]: step.stepId,
    [Header.stepClientId]: step.clientId,
    [Header.attempt]: step.attempt,
    [Header.steers]: stampOf(steers),
  })
}

/** Longest id that an agent repeats on what it writes, in characters: clients choose the ids of their messages. */
export const maxIdLength = 200

// NOTE: readers ignore messages whose headers are too long, so of very many steers some count as missed
const maxStamped = 40

function stampOf(steers: readonly string[]): string | undefined {
  const stamped = steers.filter((id) => id.length <= maxIdLength).slice(0, maxStamped)
  return stamped.length > 0 ? JSON.stringify(stamped) : undefined
}

/** The extras of an output; codec headers are left out when there are none. */
export const outputExtras = (transport: Headers, codec: Headers): OutgoingMessage['extras'] => ({
  ai: { transport, ...(Object.keys(codec).length > 0 && { codec }) },
})

const lifecycle = (name: MessageName, entries: Record<string, string | undefined>): OutgoingMessage => ({
  name,
  extras: { ai: { transport: headers(entries) } },
})

const whoOf = (run: RunIdentity) => ({
  [Header.runId]: run.runId,
  [Header.owner]: run.owner,
  [Header.invocationId]: run.invocationId,
  [Header.inputClientId]: run.inputClientId,
})

const ofRun = (run: RunIdentity) => ({ ...whoOf(run), [Header.inputId]: run.inputId })

const structureOf = (run: RunIdentity) => ({
  [Header.parent]: run.parent,
  [Header.forkOf]: run.forkOf,
  [Header.regenerates]: run.regenerates,
})

const ofStep = (run: RunIdentity, { stepId, clientId }: Omit<StepIdentity, 'attempt'>) => ({
  ...whoOf(run),
  [Header.stepId]: stepId,
  [Header.stepClientId]: clientId,
})
