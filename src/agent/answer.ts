import { reasonOf } from '../core/errors'
import { abortable } from './abortable'
import type { AgentRun, RunOutcome } from './agent-run'

/**
 * Lets an agent function answer and ends the run for it. A run that is cancelled ends at once, even if the function
 * still waits for something that does not heed the signal. Never rejects.
 */
export async function answer<M extends object, Chunk>(
  run: AgentRun<M, Chunk>,
  respond: (run: AgentRun<M, Chunk>) => unknown,
  report: (error: unknown) => void,
): Promise<void> {
  const outcome = await outcomeOf(run, respond, report)
  await run.end(outcome).catch(report)
}

async function outcomeOf<M extends object, Chunk>(
  run: AgentRun<M, Chunk>,
  respond: (run: AgentRun<M, Chunk>) => unknown,
  report: (error: unknown) => void,
): Promise<RunOutcome | undefined> {
  // A run that was cancelled before it started calls no model
  if (run.abortSignal.aborted) return { reason: 'cancelled' }
  try {
    await abortable(respondWith(run, respond), run.abortSignal)
    return undefined
  } catch (error) {
    if (run.abortSignal.aborted) return { reason: 'cancelled' }
    report(error)
    return { reason: 'error', error: { code: codeOf(error), message: reasonOf(error) } }
  }
}

// NOTE: async, so that a function that throws before its first await rejects like any other
const respondWith = async <Run>(run: Run, respond: (run: Run) => unknown): Promise<void> => void (await respond(run))

const codeOf = (error: unknown): unknown => (error as { code?: unknown } | null | undefined)?.code
