import { isFork } from '../core/forks'
import type { Row } from '../core/rows'
import { isEntry, type RunEndReason } from '../core/run-state'
import { Header, headers, MessageName, type Headers, type OutgoingMessage } from '../core/wire'
import type { RunFailure, StepReason } from './agent-run'

/**
 * The ids of a run and of the input that it answers. Fixed once its trigger is known; every message of the run carries
 * them.
 */
export interface RunIdentity {
  readonly runId: string
  readonly invocationId: string
  /** The run's owner: a client id, verified by Ably where that is possible; empty when unknown. */
  readonly owner: string
  /** The publisher of the trigger, verified by Ably. */
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

/** The ids of one attempt of a step; every message published in it carries them. */
export interface StepIdentity {
  readonly stepId: string
  readonly clientId: string
  /** Serial of its start. */
  readonly attempt: string
}

/** Whether an input asks for another reply; it is no message itself. */
export const isRegeneration = (trigger: Row): boolean => trigger.transport[Header.regenerates] !== undefined

/** Whether an input continues a run that exists already: an answer or a steer. */
export const isContinuation = (trigger: Row): boolean => trigger.transport[Header.runId] !== undefined

/**
 * The identity of a run that answers a trigger.
 *
 * @param ids - The ids of the run; `owner`: the run's owner, where that is not the publisher of the trigger; a resumed
 * run keeps its owner
 */
export function identityOf(
  trigger: Row,
  { runId, invocationId, owner }: { runId: string; invocationId: string; owner?: string },
): RunIdentity {
  const { transport } = trigger
  const regenerates = transport[Header.regenerates]
  const inputId = transport[Header.messageId]
  const before = transport[Header.parent]
  return {
    runId,
    invocationId,
    owner: owner ?? trigger.clientId ?? transport[Header.owner] ?? '',
    inputClientId: trigger.clientId,
    inputId,
    startParent: regenerates === undefined && !isFork(trigger) ? inputId : before,
    // NOTE: a request to regenerate is no message, so the new reply has the parent of the old one
    parent: regenerates === undefined ? inputId : before,
    forkOf: transport[Header.forkOf],
    regenerates,
  }
}

/** @param isNamed - whether the agent's presence names the run */
export function runStart(run: RunIdentity, isNamed = false): OutgoingMessage {
  return lifecycle(MessageName.runStart, {
    ...ofRun(run),
    ...structureOf(run),
    [Header.parent]: run.startParent,
    ...presenceOf(isNamed),
  })
}

/**
 * @param isNamed - whether the agent's presence names the run
 * @param answers - serials of the answers that the agent goes on with
 */
export const runResume = (run: RunIdentity, isNamed = false, answers: readonly string[] = []): OutgoingMessage =>
  lifecycle(MessageName.runResume, { ...ofRun(run), ...presenceOf(isNamed), [Header.answers]: listOf(answers) })

/** @param answers - serials of the answers that the agent has gone on with */
export const runSuspend = (run: RunIdentity, answers: readonly string[] = []): OutgoingMessage =>
  lifecycle(MessageName.runSuspend, { ...ofRun(run), [Header.answers]: listOf(answers) })

/** How a cancel ended a run. */
export interface CutOff {
  /** The serial of the cancel. */
  readonly serial: string
  /** When the work was aborted, in milliseconds since the epoch. */
  readonly abortedAt: number
  /** How much text, in UTF-16 units, the channel has behind the cancel. */
  readonly tail: number
}

/** How a run ended. */
export interface Ending {
  readonly reason: RunEndReason
  readonly failure?: RunFailure
  readonly cutOff?: CutOff
  /** Serials of the answers that count and that no earlier message has named. */
  readonly answers?: readonly string[]
}

export function runEnd(run: RunIdentity, { reason, failure, cutOff, answers = [] }: Ending): OutgoingMessage {
  return lifecycle(MessageName.runEnd, {
    ...ofRun(run),
    [Header.runReason]: reason,
    [Header.answers]: listOf(answers),
    ...(reason === 'error' && failure && failureHeaders(failure)),
    ...(reason === 'cancelled' && cutOff && cutOffHeaders(cutOff)),
  })
}

const cutOffHeaders = ({ serial, abortedAt, tail }: CutOff) => ({
  [Header.cancelSerial]: serial,
  [Header.abortedAt]: String(abortedAt),
  [Header.tail]: String(tail),
})

export const cancelRefused = (run: RunIdentity, { serial, clientId = '' }: Row): OutgoingMessage =>
  lifecycle(MessageName.cancelRefused, {
    ...ofRun(run),
    [Header.cancelSerial]: serial,
    [Header.cancelClient]: clientId,
  })

/** @param answers - serials of answers that count, for which the end of the run has no room */
export const answersUsed = (run: RunIdentity, answers: readonly string[]): OutgoingMessage =>
  lifecycle(MessageName.answersUsed, { ...ofRun(run), [Header.answers]: listOf(answers) })

/** @param answers - serials of the answers that the agent has gone on with */
export function stepStart(
  run: RunIdentity,
  step: Omit<StepIdentity, 'attempt'>,
  answers: readonly string[] = [],
): OutgoingMessage {
  return lifecycle(MessageName.stepStart, { ...ofStep(run, step), [Header.answers]: listOf(answers) })
}

/** @param answers - serials of the answers that the agent has gone on with */
export function stepEnd(
  run: RunIdentity,
  step: StepIdentity,
  reason: StepReason,
  answers: readonly string[] = [],
): OutgoingMessage {
  return lifecycle(MessageName.stepEnd, {
    ...ofStep(run, step),
    [Header.attempt]: step.attempt,
    [Header.stepReason]: reason,
    [Header.answers]: listOf(answers),
  })
}

/**
 * Headers that all outputs of one message share.
 *
 * @param steers - message ids of the steers that the message answers besides the trigger
 */
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
    [Header.steers]: listOf(steers.slice(0, maxSteers)),
  })
}

/** The longest client-chosen id that an agent repeats in its own messages, in characters. */
export const maxIdLength = 200

// NOTE: each append repeats them. Of very many steers some count as unanswered
const maxSteers = 40

// NOTE: readers ignore messages whose headers are longer than 16 kB
const maxListLength = 12_000

/** The ids that fit in a header of one message, about 250. */
export function fittingIds(ids: readonly string[]): readonly string[] {
  let room = maxListLength
  return ids.filter((id) => id.length <= maxIdLength && (room -= id.length + 3) > 0)
}

/** The ids in lists of which each fits in a header of one message. */
export function listsOf(ids: readonly string[]): readonly (readonly string[])[] {
  const list = fittingIds(ids)
  return list.length === 0 ? [] : [list, ...listsOf(ids.filter((id) => !list.includes(id)))]
}

function listOf(ids: readonly string[]): string | undefined {
  const listed = fittingIds(ids)
  return listed.length > 0 ? JSON.stringify(listed) : undefined
}

/** The extras of an output; codec headers are left out when there are none. */
export const outputExtras = (transport: Headers, codec: Headers): OutgoingMessage['extras'] => ({
  ai: { transport, ...(Object.keys(codec).length > 0 && { codec }) },
})

/** Headers that a lifecycle message means nothing without. */
const vital = [
  Header.runId,
  Header.owner,
  Header.invocationId,
  Header.runReason,
  Header.cancelSerial,
  Header.cancelClient,
  Header.answers,
]
const vitalOfStep = [Header.stepId, Header.stepClientId, Header.attempt, Header.stepReason]
/** Headers that place a run, and name its owner. */
const placing = [Header.inputClientId, Header.inputId, Header.parent, Header.forkOf, Header.regenerates]

/** The same lifecycle message with nothing but the headers it needs, for a channel that refuses more. */
export function plainest({ id, name, extras }: OutgoingMessage): OutgoingMessage {
  const { transport } = extras.ai
  const kept = [...vital, ...vitalOfStep, ...(isEntry({ name }) ? [...placing, Header.presence] : [])]
  const plain = lifecycle(name as MessageName, Object.fromEntries(kept.map((header) => [header, transport[header]])))
  return { ...(id !== undefined && { id }), ...plain }
}

const lifecycle = (name: MessageName, entries: Record<string, string | undefined>): OutgoingMessage => ({
  name,
  extras: { ai: { transport: headers(entries) } },
})

const ofInvocation = (run: RunIdentity) => ({
  [Header.runId]: run.runId,
  [Header.owner]: run.owner,
  [Header.invocationId]: run.invocationId,
  [Header.inputClientId]: run.inputClientId,
})

const presenceOf = (isNamed: boolean) => ({ [Header.presence]: isNamed ? 'true' : undefined })

const ofRun = (run: RunIdentity) => ({ ...ofInvocation(run), [Header.inputId]: run.inputId })

const structureOf = (run: RunIdentity) => ({
  [Header.parent]: run.parent,
  [Header.forkOf]: run.forkOf,
  [Header.regenerates]: run.regenerates,
})

const ofStep = (run: RunIdentity, { stepId, clientId }: Omit<StepIdentity, 'attempt'>) => ({
  ...ofInvocation(run),
  [Header.stepId]: stepId,
  [Header.stepClientId]: clientId,
})

// NOTE: readers ignore messages whose headers are too long; a stack trace must not keep the run from ending
const maxErrorLength = 1000

function failureHeaders({ code, message }: RunFailure): Record<string, string | undefined> {
  const isNumber = typeof code === 'number' && Number.isFinite(code)
  return {
    [Header.errorCode]: isNumber ? String(code) : undefined,
    [Header.errorMessage]: message.slice(0, maxErrorLength),
  }
}

/** Reads code and message of any value that was given as an error, so that the run's end can be published. */
export function failureOf(error: unknown): RunFailure | undefined {
  if (error === undefined || error === null) return undefined
  const { code, message } = error as { code?: unknown; message?: unknown }
  const text = typeof error === 'object' ? message : error
  return { code, message: typeof text === 'string' ? text : jsonOf(text) }
}

function jsonOf(value: unknown): string {
  try {
    return JSON.stringify(value) ?? ''
  } catch {
    return ''
  }
}
