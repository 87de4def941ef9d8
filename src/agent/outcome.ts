import { ErrorCode, SessionError, toSessionError } from '../core/errors'
import type { RunOutcome } from './agent-run'
import type { PipeResult } from './pipe'

/** The part of a `streamText` result that says how the model came out; the AI SDK's own results fit. */
export interface ModelResult {
  /** Why the last call of the model stopped. */
  readonly finishReason: PromiseLike<string>
  /** What the last call gave: without it a model that stopped for its tools is taken to wait for them. */
  readonly content?: PromiseLike<readonly { readonly type: string; readonly toolCallId?: string }[]>
}

/**
 * How a run came out whose stream was piped without the chunks that say so (`toUIMessageStream({ sendFinish: false })`, or
 * chunks of your own), as the model's result has it. Never rejects.
 *
 * @example
 * const piped = await run.pipe(result.toUIMessageStream({ sendFinish: false }))
 * await run.end(await outcomeOf(piped, result))
 */
export async function outcomeOf(piped: PipeResult, result: ModelResult): Promise<RunOutcome> {
  // NOTE: the AI SDK makes these promises when they are first looked at, and nobody handles one that is not awaited
  if (piped.reason !== 'complete') return piped
  try {
    const reason = await result.finishReason
    if (reason === 'error') return failure(new Error('the model stopped because of an error'))
    const isWaiting = reason === 'tool-calls' && hasOpenCall(await result.content)
    return { reason: isWaiting ? 'suspend' : 'complete' }
  } catch (cause) {
    return isAbort(cause) ? { reason: 'cancelled' } : failure(cause)
  }
}

const failure = (cause: unknown): RunOutcome => ({
  reason: 'error',
  error: toSessionError('answer', ErrorCode.StreamFailed, cause),
})

/** Whether a value is an outcome to end a run with. */
export function isOutcome(value: unknown): value is RunOutcome {
  const reason = (value as { reason?: unknown } | null | undefined)?.reason
  return typeof reason === 'string' && reasons.has(reason)
}

const reasons: ReadonlySet<string> = new Set([
  'complete',
  'suspend',
  'cancelled',
  'error',
] satisfies RunOutcome['reason'][])

const isAbort = (cause: unknown): boolean =>
  (cause instanceof Error && cause.name === 'AbortError') ||
  (cause instanceof SessionError && cause.code === ErrorCode.Cancelled)

function hasOpenCall(parts: Awaited<ModelResult['content']>): boolean {
  if (!parts) return true
  const answered = new Set(parts.filter(({ type }) => type === 'tool-result' || type === 'tool-error').map(callOf))
  return parts.some((part) => part.type === 'tool-call' && !answered.has(callOf(part)))
}

const callOf = ({ toolCallId = '' }: { readonly toolCallId?: string }): string => toolCallId
