import { ErrorCode, SessionError } from '../core/errors'
import { isFork } from '../core/forks'
import type { Row } from '../core/log'
import type { RunNode } from '../core/run-node'
import { isSteer } from '../core/steers'
import type { Tree } from '../core/tree'
import { Header } from '../core/wire'
import { ask } from './ask'
import type { AnswerHook } from './hooks'

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
  const isAllowed = tree.access.allows(kind, clientId, run.owner) && (await ask(onAnswer, request, 'an answer'))
  if (!isAllowed) throw refused(`go on with run "${run.key}"`, trigger)
}

/** The error for what somebody may not do. */
export const refused = (what: string, { clientId }: Row): SessionError =>
  new SessionError(`unable to ${what}; "${clientId ?? ''}" may not ask for that`, ErrorCode.Unauthorized)
