import { isAnswer, lateReason } from '../core/answers'
import { badRequest, ErrorCode, unableTo, type SessionError } from '../core/errors'
import { isFork } from '../core/forks'
import type { InputNode } from '../core/input-node'
import { isAgents } from '../core/log'
import type { Row } from '../core/rows'
import type { TreeNode } from '../core/node'
import type { RunNode } from '../core/run-node'
import { isSteer } from '../core/run-state'
import type { Tree } from '../core/tree'
import { Header, MessageName } from '../core/wire'
import { abortable } from '../core/signals'
import { checkNotResumed, checkUnanswered, claimAfter, claimOf, claimOfFork } from './claim'
import { DeadRuns } from './dead-runs'
import { BusyError, ConflictError } from './errors'
import { identityOf, maxIdLength, runResume, runStart, isContinuation, isRegeneration } from './run-messages'
import { mayAct, runHook, type AnswerHook } from './hooks'
import type { LiveRun, RunTarget } from './live-run'
import { findTrigger, findRun, readRun, waitUntilInactive, settleFully } from './lookup'

// NOTE: bounds memory: a client may name a reply that does not exist, which would read all of history
const maxReplyMessages = 5000

/** Milliseconds to wait for a run that another process left open. */
const adoptionTimeout = 30_000
/**
 * Milliseconds to wait for an active run to suspend: shorter than the timeout of clients, because they would report a
 * failure.
 */
const busyTimeout = 10_000

/**
 * Finds the target of an invocation: a prompt to answer, or a suspended run to resume. A cancel has none: the run
 * that it names is ended, and a HandledError tells so.
 * @throws SessionError 40003 when the input cannot be answered, or a run answers it already (HandledError), 40160 when
 * the client may not answer that run, 104010 when the input is not found in time, 42900 when its run is still active
 * then
 */
export async function findInvoked<M extends object>(run: LiveRun<M, unknown>): Promise<RunTarget> {
  const { channel, inputEventId, hooks, signal } = run
  const trigger = await findTrigger(channel, inputEventId, { signal, timeout: hooks.triggerTimeout })
  if (trigger.name === MessageName.cancel) {
    return new DeadRuns(channel, hooks, run.invocationId).endCancelled(trigger, signal)
  }
  checkTrigger(trigger)
  if (isContinuation(trigger)) return findResumed(run, trigger)
  checkUnanswered(channel.tree, trigger)
  if (!isRequest(run, trigger)) throw badRequest('start the run', "its input is not a user's prompt")
  if (isFork(trigger)) await checkFork(run, trigger)
  if (isRegeneration(trigger)) await checkRegeneration(run, trigger)
  const identity = identityOf(trigger, run)
  // NOTE: further answers to a fork can wake agents, too
  const id = isFork(trigger) ? claimOfFork(trigger.transport[Header.messageId]!) : claimOf(inputEventId)
  const announcement = { id, ...runStart(identity, channel.presence.isPossible) }
  return { trigger, identity, ownerClientId: trigger.clientId, announcement }
}

function checkTrigger(trigger: Row): void {
  // NOTE: a request to regenerate has no place in the tree; any other input without one is empty or not allowed
  if (!isRegeneration(trigger) && !trigger.home) throw badRequest('start the run', 'its input has no content to answer')
  if ((trigger.transport[Header.messageId] ?? '').length > maxIdLength)
    throw badRequest('start the run', `the message id of its input is longer than ${maxIdLength} characters`)
}

const isRequest = <M extends object>({ channel }: LiveRun<M, unknown>, trigger: Row): boolean =>
  isRegeneration(trigger) ||
  isFork(trigger) ||
  isPrompt(channel.tree.inputs.get(trigger.transport[Header.messageId] ?? ''), trigger)

/**
 * Whether a row belongs to the prompt that it names: another client may have published a row with the same message id.
 */
const isPrompt = (input: InputNode<object> | undefined, { clientId }: Row): boolean =>
  input !== undefined && input.owner === clientId

/**
 * Refuses a fork whose call was answered before, and one that the client has no right to. Where clients have different
 * rights, the run that it replaces must be known.
 */
async function checkFork<M extends object>(
  { channel, signal, hooks }: LiveRun<M, unknown>,
  trigger: Row,
): Promise<void> {
  const { tree } = channel
  const { [Header.supersedes]: runId = '' } = trigger.transport
  const replaced = runId ? await readRun(channel, runId, signal) : undefined
  const isGuarded = tree.access.isGuarded || hooks.onAnswer !== undefined
  if (isGuarded && !replaced) throw badRequest('start the run', `the run that it replaces is unknown: "${runId}"`)
  if (isGuarded && replaced) await checkAnswer(tree, trigger, replaced, hooks.onAnswer)
  // NOTE: history was read meanwhile, and of a flood of forks the tree keeps only a part
  checkTrigger(trigger)
  checkFirst('start the run', replaced, (trigger.home as RunNode<M>).rows[0]!)
}

/** Refuses an answer that comes after another one, unless its run can go on with that one. */
function checkFirst(action: string, run: RunNode<object> | undefined, row: Row): void {
  const earlier = run?.answers.before(row)
  if (earlier && earlier.row.home !== row.home) throw new ConflictError(action, lateReason(earlier))
}

async function checkRegeneration<M extends object>({ channel }: LiveRun<M, unknown>, trigger: Row): Promise<void> {
  const { tree, history } = channel
  if (!tree.access.isGuarded) return
  const reply = (): TreeNode<M> | undefined => {
    tree.settle()
    return tree.nodeOf(trigger.transport[Header.regenerates]!)
  }
  await history.readUntil(() => reply()?.owner !== undefined, maxReplyMessages)
  const sides = { clientId: trigger.clientId, ownerClientId: reply()?.owner }
  if (!(await mayAct(tree.access, 'regenerate', sides))) throw notAllowed('regenerate the reply', trigger)
}

async function findResumed<M extends object>(run: LiveRun<M, unknown>, trigger: Row): Promise<RunTarget> {
  const { channel, inputEventId, signal, hooks } = run
  const runId = trigger.transport[Header.runId]!
  const resumed = await readRun(channel, runId, signal)
  if (!resumed?.rows.some(isAgents)) throw badRequest('resume the run', `no agent has published run "${runId}"`)
  checkOpen(run, resumed, trigger)
  await checkAnswer(channel.tree, trigger, resumed, hooks.onAnswer)
  checkFirst('resume the run', resumed, trigger)
  checkNotResumed(resumed, trigger)
  await waitUntilInactive(channel, resumed, { signal, timeout: hooks.triggerTimeout ?? busyTimeout })
  // NOTE: meanwhile the run may have ended, or resumed for this very answer
  checkOpen(run, resumed, trigger)
  checkNotResumed(resumed, trigger)
  checkAsked(channel.tree, resumed, trigger)
  const target = targetOf(run, resumed, trigger)
  run.answers.note(resumed.answers)
  const resume = runResume(target.identity, channel.presence.isPossible, run.answers.take())
  return { ...target, announcement: { id: claimAfter(resumed, inputEventId), ...resume } }
}

function checkOpen<M extends object>({ channel }: LiveRun<M, unknown>, resumed: RunNode<M>, trigger: Row): void {
  checkUnanswered(channel.tree, trigger)
  if (resumed.hasEnded) throw new ConflictError('resume the run', 'it has ended')
  if (resumed.isSuperseded) throw new ConflictError('resume the run', 'a fork has taken its place')
}

/** Refuses an answer that settles no call of its message: the run would go on without the answer that it waits for. */
function checkAsked<M extends object>({ codec }: Tree<M>, run: RunNode<M>, trigger: Row): void {
  if (!isAnswer(trigger)) return
  const message = run.message(trigger.transport[Header.messageId] ?? '')
  const isAsked = message && codec.asks?.(message, { type: 'answer', ...trigger }) !== false
  if (!isAsked) throw new ConflictError('resume the run', 'its message has no such call, or asks for no approval of it')
}

/**
 * Finds a run that another process left open.
 * @throws SessionError 40003 when it has ended or is suspended, 104010 when its start or trigger is not found in time
 */
export async function findAdopted<M extends object>(run: LiveRun<M, unknown>): Promise<RunTarget> {
  const { channel, inputEventId, runId, hooks, signal } = run
  const { triggerTimeout: timeout = adoptionTimeout } = hooks
  const [trigger, adopted] = await Promise.all([
    findTrigger(channel, inputEventId, { signal, timeout }),
    abortable(findRun(channel, runId, { signal, timeout }), signal),
  ])
  if (adopted.hasEnded) throw new ConflictError('adopt the run', 'it has ended')
  if (adopted.state.status === 'suspended') throw new ConflictError('adopt the run', 'it is suspended')
  return targetOf(run, adopted, trigger)
}

// NOTE: a run keeps its first owner, whichever client resumes it
function targetOf<M extends object>(
  { invocationId }: LiveRun<M, unknown>,
  existing: RunNode<M>,
  trigger: Row,
): RunTarget {
  const start = existing.start?.transport
  const owner = start
    ? (start[Header.inputClientId] ?? start[Header.owner] ?? '')
    : existing.info().clientId || undefined
  return {
    trigger,
    identity: identityOf(trigger, { runId: existing.key, invocationId, owner }),
    ownerClientId: start ? start[Header.inputClientId] : trigger.clientId,
  }
}

// NOTE: an active run that began further back has most likely lost its agent
const maxActiveMessages = 1000

/**
 * Asks the hook `admit` whether a run may start or resume now, unless the run is stopped: then it calls no model.
 * @throws {@link BusyError} when it refuses, {@link SessionError} 104002 when it throws
 */
export async function admitRun(run: LiveRun<object, unknown>): Promise<void> {
  if (!run.hooks.admit || run.isStopped) return
  await abortable(askToAdmit(run), run.signal).catch((error: unknown) => {
    if (!run.isStopped) throw error
  })
}

async function askToAdmit({ channel, hooks, runId, invocationId, target }: LiveRun<object, unknown>): Promise<void> {
  const { name, tree, history } = channel
  await history.readUntil(() => history.readCount >= maxActiveMessages)
  settleFully(tree)
  const others = [...tree.runs.values()].filter((run) => run.key !== runId && run.visible)
  const running = others.filter((run) => run.state.status === 'active')
  const stalled = await new DeadRuns(channel, hooks, invocationId).stalledAmong(running)
  const active = running.filter(({ key }) => !stalled.has(key)).map((run) => run.info())
  const { trigger, ownerClientId } = target
  const request = { sessionName: name, runId, ownerClientId, clientId: trigger.clientId, active }
  if (!(await runHook(hooks.admit, request, 'the run')))
    throw new BusyError(`${active.length} runs of the session are active`)
}

/**
 * Checks that a client may answer a run.
 * @throws SessionError 40160 when policy or hook refuse it, 104002 when one of them throws
 */
async function checkAnswer(
  tree: Tree<object>,
  trigger: Row,
  run: RunNode<object>,
  onAnswer: AnswerHook | undefined,
): Promise<void> {
  const kind = isFork(trigger) ? 'fork' : isSteer(trigger) ? 'steer' : 'answer'
  const { clientId, transport } = trigger
  const { owner: ownerClientId } = run
  const request = { kind, runId: run.key, inputId: transport[Header.messageId], clientId, ownerClientId } as const
  if (!(await mayAct(tree.access, kind, request, onAnswer))) throw notAllowed(`continue run "${run.key}"`, trigger)
}

/** The error for an input whose publisher lacks the right to it. */
const notAllowed = (action: string, { clientId }: Row): SessionError =>
  unableTo(action, `client "${clientId ?? ''}" is not allowed to`, ErrorCode.Unauthorized)
