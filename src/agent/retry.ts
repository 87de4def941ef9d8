import type { AgentStep, RetryOptions, StepOptions } from './agent-step'
import type { OpenStep } from './run-output'

/** Does a piece of work in a step, and again under its id when it throws or its last pipe fails. */
export async function tryStep<Chunk, T>(
  work: (step: AgentStep<Chunk>) => T | PromiseLike<T>,
  { retries = 0, ...options }: RetryOptions,
  open: (options: StepOptions) => Promise<OpenStep<Chunk>>,
  signal: AbortSignal,
): Promise<T> {
  let { id } = options
  for (let left = retries; ; left--) {
    const step = await open({ ...options, id })
    id = step.stepId
    const attempt = await tryOnce(step, work)
    await step.end('failure' in attempt ? (signal.aborted ? 'cancelled' : 'failed') : undefined)
    if ('value' in attempt) return attempt.value
    if (left <= 0 || signal.aborted) throw attempt.failure
  }
}

async function tryOnce<Chunk, T>(
  step: OpenStep<Chunk>,
  work: (step: AgentStep<Chunk>) => T | PromiseLike<T>,
): Promise<{ value: T } | { failure: unknown }> {
  try {
    const value = await work(step)
    const last = await step.settled()
    return last?.reason === 'error' ? { failure: last.error } : { value }
  } catch (failure) {
    return { failure }
  }
}
