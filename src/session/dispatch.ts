import type { ActiveRun } from './active-run'
import type { RunList } from './pending'
import type { Placed } from './placement'
import type { PlacedSendOptions } from './prompts'
import type { CancelTarget } from './stops'
import type { ViewHost } from './view-host'

/** How long a send with `waitFor: 'ended'` waits for the runs it interrupts, in milliseconds. */
const endLimit = 2000

/** Sends what a view says, and interrupts first what runs there if that is wanted. */
export async function dispatch<M extends object>(
  host: ViewHost<M>,
  view: RunList,
  placed: Placed<M>,
  { whenBusy, waitFor = 'published', wake }: PlacedSendOptions,
  onPlaced?: (inputId: string) => void,
): Promise<ActiveRun<M>> {
  const interrupted = whenBusy === 'interrupt' ? interrupt(host, view, placed, waitFor) : undefined
  // NOTE: without a wait the prompt is published right behind the cancels, in this order, on one connection
  if (waitFor === 'ended') await interrupted
  const [run] = await Promise.all([host.prompts.send(placed, wake, onPlaced), interrupted])
  return run
}

async function interrupt<M extends object>(
  host: ViewHost<M>,
  view: RunList,
  { place }: Placed<M>,
  waitFor: PlacedSendOptions['waitFor'],
): Promise<void> {
  const isOwn = (target: CancelTarget): boolean =>
    place.runId !== undefined && (typeof target === 'string' ? target : target.runId) === place.runId
  const targets = host.running('view', view).filter((target) => !isOwn(target))
  const ended = waitFor === 'ended' ? host.ended(targets, endLimit) : undefined
  await Promise.all([...targets.map((target) => host.cancel(target)), ended])
}
