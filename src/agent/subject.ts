import { isFork } from '../core/forks'
import { isAgents, type Row } from '../core/log'
import type { InputNode } from '../core/input-node'
import type { TreeNode } from '../core/node'
import type { RunNode } from '../core/run-node'
import { Header, type OutgoingMessage } from '../core/wire'
import { abortable } from './abortable'
import { checkUnanswered, checkWaiting, claimAfter, claimOf } from './claim'
import { checkAnswer, refused } from './check-answer'
import { awaitRun, readRun } from './find-run'
import {
  identityOf,
  isContinuation,
  isRegeneration,
  maxIdLength,
  runResume,
  runStart,
  type RunIdentity,
} from './headers'
import type { AnswerHook } from './hooks'
import { locate } from './locate'
import { ConflictError, misuse } from './misuse'
import type { ChannelView } from './run-host'
import { untilWaiting } from './waiting'

// NOTE: bounds memory: anybody may name a reply that never was
const maxReplyMessages = 5000

/** Milliseconds to wait for a run that another process has left. */
const elsewhereTimeout = 30_000
/** The same until one that is still being written waits itself: shorter than clients wait, who would take that for a failure. */
const busyTimeout = 10_000

/** What a run is about, known once its trigger is found. */
export interface Subject {
  readonly trigger: Row
  readonly identity: RunIdentity
  /** Whose prompt the run answers, verified by Ably. */
  readonly ownerClientId: string | undefined
  /** What tells the others that it begins or goes on; undefined where they know. */
  readonly announcement?: OutgoingMessage
}

/** Which run somebody asks for. */
export interface SubjectSearch {
  readonly inputEventId: string
  readonly runId: string
  readonly invocationId: string
  /** In milliseconds. @default 10_000, or 30_000 for a run that another process has left */
  readonly timeout: number | undefined
  readonly signal: AbortSignal
  readonly onAnswer?: AnswerHook
}

/**
 * Finds out what a run answers: a prompt, or one that waited and now goes on.
 * @throws SessionError 40003 when that cannot be answered, or is already (HandledError), 40160 when whoever answers a run
 * may not, 104010 when it is not found in time, 42900 when the run is still being written then
 */
export async function invoked<M extends object>(view: ChannelView<M>, search: SubjectSearch): Promise<Subject> {
  const trigger = await locate(search.inputEventId, { ...search, ...view })
  // NOTE: a request to regenerate is no message; all else that is nowhere in the conversation says nothing, or may not
  if (!isRegeneration(trigger) && !trigger.home) throw misuse('start the run', 'its input says nothing to an agent')
  if ((trigger.transport[Header.messageId] ?? '').length > maxIdLength)
    throw misuse('start the run', `the message id of its input is longer than ${maxIdLength} characters`)
  if (isContinuation(trigger)) return resumed(view, trigger, search)
  checkUnanswered(view, trigger)
  if (!isRequest(view, trigger)) throw misuse('start the run', "its input is not a user's prompt")
  if (isFork(trigger)) await checkFork(view, trigger, search)
  if (isRegeneration(trigger)) await checkRegeneration(view, trigger)
  const identity = identityOf(trigger, search)
  const announcement = { id: claimOf(search.inputEventId), ...runStart(identity) }
  return { trigger, identity, ownerClientId: trigger.clientId, announcement }
}

const isRequest = <M extends object>({ tree }: ChannelView<M>, trigger: Row): boolean =>
  isRegeneration(trigger) ||
  isFork(trigger) ||
  isPrompt(tree.inputs.get(trigger.transport[Header.messageId] ?? ''), trigger)

/** Whether it is what its sender says it is: somebody else may have named the same prompt. */
const isPrompt = (input: InputNode<object> | undefined, { clientId }: Row): boolean =>
  input !== undefined && input.owner === clientId

/** Where not everybody may do everything, the run whose place is taken has to be known. */
async function checkFork<M extends object>(
  view: ChannelView<M>,
  trigger: Row,
  { signal, onAnswer }: SubjectSearch,
): Promise<void> {
  if (!view.tree.access.isGuarded && !onAnswer) return
  const { [Header.supersedes]: runId = '' } = trigger.transport
  const run = runId ? await readRun(view, { runId, signal }) : undefined
  if (!run) throw misuse('start the run', `the run whose place it takes is not known: "${runId}"`)
  await checkAnswer(view.tree, trigger, run, onAnswer)
}

async function checkRegeneration<M extends object>({ tree, history }: ChannelView<M>, trigger: Row): Promise<void> {
  if (!tree.access.isGuarded) return
  const reply = (): TreeNode<M> | undefined => {
    tree.settle()
    return tree.nodeOf(trigger.transport[Header.regenerates]!)
  }
  await history.readUntil(() => reply()?.owner !== undefined, maxReplyMessages)
  if (tree.access.allows('regenerate', trigger.clientId, reply()?.owner)) return
  throw refused('regenerate the reply', trigger)
}

async function resumed<M extends object>(
  view: ChannelView<M>,
  trigger: Row,
  { inputEventId, invocationId, signal, onAnswer, timeout = busyTimeout }: SubjectSearch,
): Promise<Subject> {
  const runId = trigger.transport[Header.runId]!
  const run = await readRun(view, { runId, signal })
  if (!run?.allRows().some(isAgents)) throw misuse('resume the run', `no agent has written of run "${runId}"`)
  checkUnended(view, run, trigger)
  await checkAnswer(view.tree, trigger, run, onAnswer)
  checkWaiting(run, trigger)
  await untilWaiting(view, run, { signal, timeout })
  // NOTE: meanwhile it may have ended, or have been taken up for this very answer
  checkUnended(view, run, trigger)
  checkWaiting(run, trigger)
  const subject = goesOn(view, run, trigger, invocationId)
  return { ...subject, announcement: { id: claimAfter(run, inputEventId), ...runResume(subject.identity) } }
}

function checkUnended<M extends object>(view: ChannelView<M>, run: RunNode<M>, trigger: Row): void {
  checkUnanswered(view, trigger)
  if (run.hasEnded) throw new ConflictError('resume the run', 'it has ended')
}

/**
 * Finds the run that another process has left open.
 * @throws SessionError 40003 when it is over or suspended, 104010 when its start or trigger is not found in time
 */
export async function adopted<M extends object>(view: ChannelView<M>, search: SubjectSearch): Promise<Subject> {
  const timeout = search.timeout ?? elsewhereTimeout
  const [trigger, run] = await Promise.all([
    locate(search.inputEventId, { ...search, ...view, timeout }),
    abortable(awaitRun(view, { ...search, timeout }), search.signal),
  ])
  if (run.hasEnded) throw new ConflictError('adopt the run', 'it has ended')
  if (run.state.status === 'suspended') throw new ConflictError('adopt the run', 'it is suspended')
  return goesOn(view, run, trigger, search.invocationId)
}

// NOTE: a run stays its first owner's, whoever makes it go on
function goesOn<M extends object>(
  { tree }: ChannelView<M>,
  run: RunNode<M>,
  trigger: Row,
  invocationId: string,
): Subject {
  const start = run.state.start?.transport
  const owner = start
    ? (start[Header.inputClientId] ?? start[Header.owner] ?? '')
    : tree.info(run).clientId || undefined
  return {
    trigger,
    identity: identityOf(trigger, { runId: run.key, invocationId, owner }),
    ownerClientId: start ? start[Header.inputClientId] : trigger.clientId,
  }
}
