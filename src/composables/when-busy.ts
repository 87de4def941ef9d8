import { warn } from '../core/diagnostics'
import { isRunning, isStopping, type RunInfo } from '../core/run-info'
import type { PendingInput } from '../session/submission'
import type { View } from '../session/view'

/**
 * How to send while a run is active: stop the runs of the view first, let them run, send the text into the newest run,
 * wait for its end, or refuse.
 */
export type BusyVerb = 'interrupt' | 'alongside' | 'steer' | 'queue' | 'reject'

/** A way to send, or a function that chooses one by the text and the active runs of the view. */
export type WhenBusy = BusyVerb | ((text: string, running: readonly RunInfo[]) => BusyVerb)

/** How the next send will go. */
export interface NextSend {
  /** `send` when nothing is in its way. */
  readonly verb: 'send' | BusyVerb
  /** The runs and pending inputs that `interrupt` stops, or the run that `steer` writes into; else empty. */
  readonly targets: readonly (RunInfo | PendingInput)[]
}

/**
 * Decides how a text goes out.
 *
 * @param isQueued - Whether prompts are in the queue and go out by themselves.
 */
export function decide<M extends object>(view: View<M>, text: string, policy: WhenBusy, isQueued: boolean): NextSend {
  const targets = view.internals.interruptible(view)
  const isBusy = view.isRunning || isQueued
  if (!isBusy && targets.length === 0) return { verb: 'send', targets: [] }
  const running = view.runs().filter(isRunning)
  const verb = typeof policy === 'function' ? policy(text, running) : policy
  warn('busyVerb', verb)
  if (verb === 'interrupt') return targets.length > 0 ? { verb, targets } : { verb: 'send', targets }
  if (!isBusy) return { verb: 'send', targets: [] }
  if (verb !== 'steer') return { verb, targets: [] }
  const open = running.findLast((run) => !isStopping(run))
  // NOTE: a run that has not started cannot be steered yet, so the text waits for it
  return open ? { verb, targets: [open] } : { verb: 'queue', targets: [] }
}
