import type { SessionError } from '../core/errors'
import type { ActiveRun } from './active-run'
import type { RunList } from './pending'
import type { Placed } from './placement'
import type { PlacedSendOptions } from './prompts'
import { stoppable } from './running'
import type { CancelTarget } from './stops'
import type { ViewHost } from './view-host'

/** How long a send with `waitFor: 'ended'` waits for the runs it interrupts, in milliseconds. */
const endLimit = 2000

/** Sends what a view says, and interrupts first what runs there if that is wanted. */
export function dispatch<M extends object>(
  host: ViewHost<M>,
  view: RunList,
  placed: Placed<M>,
  { whenBusy, waitFor, wake }: PlacedSendOptions,
  onPlaced: (inputId: string) => void,
): Promise<ActiveRun<M>> {
  const { runId } = placed.place
  const isOwn = (target: CancelTarget): boolean =>
    runId !== undefined && (typeof target === 'string' ? target : target.runId) === runId
  const targets = whenBusy === 'interrupt' ? stoppable(host, 'view', view).filter((target) => !isOwn(target)) : []
  return host.prompts.send(placed, wake, (inputId) => {
    onPlaced(inputId)
    const ended = waitFor === 'ended' && targets.length > 0 ? host.endings.wait(targets, endLimit) : undefined
    // NOTE: without a wait the prompt is published right behind the cancels, in this order, on one connection
    for (const target of targets) host.session.cancel(target).catch((error: SessionError) => host.report(error))
    return ended
  })
}
