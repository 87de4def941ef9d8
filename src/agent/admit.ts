import type { Tree } from '../core/tree'
import { ask } from './ask'
import type { History } from './history'
import type { AdmitHook } from './hooks'
import { BusyError } from './misuse'
import type { Subject } from './subject'
import { settleFinally } from './settle-finally'

// NOTE: a run that began further back than that many messages, and is still active, has most likely lost its agent
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
  await history.readUntil(() => history.readCount >= maxMessages)
  settleFinally(tree)
  const { runId } = identity
  const others = [...tree.runs.values()].filter((run) => run.key !== runId && run.visible)
  const active = others.map((run) => tree.info(run)).filter(({ status }) => status === 'active')
  const request = { sessionName: name, runId, ownerClientId, clientId: trigger.clientId, active }
  if (!(await ask(hook, request, 'the run'))) throw new BusyError(`${active.length} runs of the session are active`)
}
