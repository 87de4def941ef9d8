import { ErrorCode, reasonOf } from '../core/errors'
import { abortable } from './abortable'
import type { AgentRun, RunOutcome } from './agent-run'
import { isOutcome } from './outcome'

/** Answers a run; what it gives, if it is an outcome, is what the run ends with. */
export type Respond<M extends object, Chunk> = (run: AgentRun<M, Chunk>) => unknown

/**
 * Lets an agent function answer and ends the run for it, or lets it wait. A run that is cancelled ends at once, even if
 * the function still waits for something that does not heed the signal. Never rejects.
 */
export async function respondTo<M extends object, Chunk>(
  run: AgentRun<M, Chunk>,
  respond: Respond<M, Chunk>,
  report: (error: unknown) => void,
): Promise<void> {
  const outcome = await outcomeFor(run, respond, report)
  if (run.phase === 'suspended') return
  // NOTE: whoever has left the run knows that it does not end here
  await run.end(outcome).catch((error: unknown) => isLeft(error) || report(error))
}

async function outcomeFor<M extends object, Chunk>(
  run: AgentRun<M, Chunk>,
  respond: Respond<M, Chunk>,
  report: (error: unknown) => void,
): Promise<RunOutcome | undefined> {
  // A run that was cancelled before it started calls no model
  if (run.abortSignal.aborted) return { reason: 'cancelled' }
  try {
    const given = await abortable(respondWith(run, respond), run.abortSignal)
    return isOutcome(given) ? given : undefined
  } catch (error) {
    if (run.abortSignal.aborted) return { reason: 'cancelled' }
    report(error)
    return { reason: 'error', error: { code: codeOf(error), message: reasonOf(error) } }
  }
}

// NOTE: async, so that a function that throws before its first await rejects like any other
const respondWith = async <Run>(run: Run, respond: (run: Run) => unknown): Promise<unknown> => respond(run)

const isLeft = (error: unknown): boolean => codeOf(error) === ErrorCode.Closed

const codeOf = (error: unknown): unknown => (error as { code?: unknown } | null | undefined)?.code
