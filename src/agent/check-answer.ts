import { ErrorCode, SessionError, toSessionError } from '../core/errors'
import { isFork } from '../core/forks'
import type { Row } from '../core/log'
import type { RunNode } from '../core/run-node'
import { isSteer } from '../core/steers'
import type { Tree } from '../core/tree'
import type { Act } from '../core/trust'
import { Header } from '../core/wire'

/** Somebody answers a run that waits, and wakes the agent to go on with it. */
export interface AnswerRequest extends Act {
  /** The run that waits. */
  readonly runId: string
  /** Message id of the answer. */
  readonly inputId: string | undefined
}

/** Decides whether a run goes on. Answering `false` refuses it with 40160 (status 403), throwing with 104002. */
export type AnswerHook = (request: AnswerRequest) => boolean | void | Promise<boolean | void>

/**
 * Refuses an answer to a run by somebody who may not give it.
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
  const request = {
    kind,
    runId: run.key,
    inputId: transport[Header.messageId],
    clientId,
    ownerClientId: run.owner,
  } as const
  if (!tree.allows(kind, clientId, run.owner) || (await decide(request, onAnswer)) === false) {
    throw refused(`go on with run "${run.key}"`, trigger)
  }
}

/** The error for what somebody may not do. */
export const refused = (what: string, { clientId }: Row): SessionError =>
  new SessionError(`unable to ${what}; "${clientId ?? ''}" may not ask for that`, ErrorCode.Unauthorized)

async function decide(request: AnswerRequest, onAnswer: AnswerHook | undefined): Promise<boolean | void> {
  try {
    return await onAnswer?.(request)
  } catch (cause) {
    throw toSessionError('decide on an answer', ErrorCode.HookFailed, cause)
  }
}
