import { ErrorCode, unableTo, type SessionError } from '../core/errors'
import { isFork } from '../core/forks'
import type { Row } from '../core/log'
import type { RunNode } from '../core/run-node'
import { isSteer } from '../core/run-state'
import type { Tree } from '../core/tree'
import { Header } from '../core/wire'
import { BusyError } from './errors'
import { runHook, type AnswerHook } from './hooks'
import type { LiveRun } from './live-run'
import { settleFully } from './path'
import { DeadRuns } from './dead-runs'

// NOTE: an active run that began further back has most likely lost its agent
const maxMessages = 1000

/**
 * Asks the hook `admit` whether a run may start or resume now.
 * @throws {@link BusyError} when it refuses, {@link SessionError} 104002 when it throws
 */
export async function admitRun({
  channel,
  hooks,
  runId,
  invocationId,
  target,
}: LiveRun<object, unknown>): Promise<void> {
  if (!hooks.admit) return
  const { name, tree, history } = channel
  await history.readUntil(() => history.readCount >= maxMessages)
  settleFully(tree)
  const others = [...tree.runs.values()].filter((run) => run.key !== runId && run.visible)
  const running = others.filter((run) => run.state.status === 'active')
  const stalled = await new DeadRuns(channel, hooks, invocationId).stalledAmong(running)
  const active = running.filter(({ key }) => !stalled.has(key)).map((run) => tree.info(run))
  const { trigger, ownerClientId } = target
  const request = { sessionName: name, runId, ownerClientId, clientId: trigger.clientId, active }
  if (!(await runHook(hooks.admit, request, 'the run')))
    throw new BusyError(`${active.length} runs of the session are active`)
}

/**
 * Checks that a client may answer a run.
 * @throws SessionError 40160 when policy or hook refuse it, 104002 when the hook throws
 */
export async function checkAnswer(
  tree: Tree<object>,
  trigger: Row,
  run: RunNode<object>,
  onAnswer: AnswerHook | undefined,
): Promise<void> {
  const kind = isFork(trigger) ? 'fork' : isSteer(trigger) ? 'steer' : 'answer'
  const { clientId, transport } = trigger
  const { owner: ownerClientId } = run
  const request = { kind, runId: run.key, inputId: transport[Header.messageId], clientId, ownerClientId } as const
  const isAllowed = tree.access.allows(kind, clientId, ownerClientId) && (await runHook(onAnswer, request, 'an answer'))
  if (!isAllowed) throw notAllowed(`continue run "${run.key}"`, trigger)
}

/** The error for an input whose publisher lacks the right to it. */
export const notAllowed = (action: string, { clientId }: Row): SessionError =>
  unableTo(action, `client "${clientId ?? ''}" is not allowed to`, ErrorCode.Unauthorized)
