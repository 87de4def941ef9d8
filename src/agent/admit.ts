import { ErrorCode, toSessionError } from '../core/errors'
import type { RunInfo } from '../core/run-info'
import type { Tree } from '../core/tree'
import { BusyError } from './misuse'
import type { History } from './history'
import type { Subject } from './subject'
import { settleFinally } from './settle-finally'

/** A run that is about to start or to go on. */
export interface AdmitRequest {
  readonly sessionName: string
  readonly runId: string
  /** Whose prompt the run answers, verified by Ably; undefined for clients without an identity. */
  readonly ownerClientId: string | undefined
  /** Who has published the input that wakes the agent, verified by Ably. */
  readonly clientId: string | undefined
  /** Other runs of the session that have not ended and do not wait, whichever process writes them. */
  readonly active: readonly RunInfo[]
}

/** Decides whether a run may start or go on now. Answering `false` refuses it, before anything is published. */
export type AdmitHook = (request: AdmitRequest) => boolean | void | Promise<boolean | void>

// NOTE: a run that has been active for longer than that many messages has most likely lost its agent
const maxMessages = 1000

/**
 * Asks the hook.
 * @throws {@link BusyError} when it says no, {@link SessionError} 104002 when it throws
 */
export async function admit(
  hook: AdmitHook,
  { name, tree, history }: { name: string; tree: Tree<object>; history: History },
  { identity, trigger, ownerClientId }: Subject,
): Promise<void> {
  await history.readUntil(() => false, maxMessages)
  settleFinally(tree)
  const { runId } = identity
  const others = [...tree.runs.values()].filter((run) => run.key !== runId && run.visible)
  const active = others.map((run) => tree.info(run)).filter(({ status }) => status === 'active')
  const request = { sessionName: name, runId, ownerClientId, clientId: trigger.clientId, active }
  if ((await decide(hook, request)) === false) throw new BusyError(`${active.length} runs of the session are active`)
}

async function decide(hook: AdmitHook, request: AdmitRequest): Promise<boolean | void> {
  try {
    return await hook(request)
  } catch (cause) {
    throw toSessionError('decide on the run', ErrorCode.HookFailed, cause)
  }
}
