import { reasonOf } from '../core/errors'
import type { AgentRun } from './agent-run'

/**
 * Lets an agent function answer and ends the run for it. A run that is cancelled ends at once, even if the function
 * still waits for something that does not heed the signal. Never rejects.
 */
export async function answer<M extends object, Chunk>(
  run: AgentRun<M, Chunk>,
  respond: (run: AgentRun<M, Chunk>) => unknown,
  report: (error: unknown) => void,
): Promise<void> {
  try {
    await untilAborted(respondWith(run, respond), run.abortSignal)
    await run.end(run.abortSignal.aborted ? { reason: 'cancelled' } : undefined)
  } catch (error) {
    if (!run.abortSignal.aborted) report(error)
    await run.end({ reason: 'error', error: failureOf(error) }).catch(report)
  }
}

// NOTE: async, so that a function that throws before its first await rejects like any other
const respondWith = async <Run>(run: Run, respond: (run: Run) => unknown): Promise<void> => void (await respond(run))

/** Resolves with the work, or when the signal aborts; what the work does after that is nobody's concern. */
function untilAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => resolve(), { once: true })
    if (signal.aborted) resolve()
    work.then(resolve, reject)
  })
}

const failureOf = (error: unknown): { code?: unknown; message: string } => ({
  code: (error as { code?: unknown } | null | undefined)?.code,
  message: reasonOf(error),
})
