import { warnOnce } from '../core/diagnostics'
import { ErrorCode, SessionError, toSessionError } from '../core/errors'
import { abortable } from '../core/signals'
import type { AgentRun, PipeResult, RunOutcome } from './agent-run'
import { clientText, mode } from './errors'

/** Answers a run. An outcome that it returns is the outcome of the run. */
export type Respond<M extends object, Chunk> = (run: AgentRun<M, Chunk>) => unknown

/**
 * Calls an agent's `respond` and ends the run for it, or suspends it. A cancelled run ends at once, even if the
 * function still waits for work that ignores the signal. Never rejects.
 *
 * @param errorText - the text of an error that the function throws, for clients
 */
export async function respondTo<M extends object, Chunk>(
  run: AgentRun<M, Chunk>,
  respond: Respond<M, Chunk>,
  report: (error: unknown) => void,
  errorText?: (error: unknown) => string,
): Promise<void> {
  const outcome = await outcomeFor(run, respond, report, errorText)
  if (run.phase === 'suspended') return
  if (!outcome && run.phase === 'open' && !run.hasPiped && !run.abortSignal.aborted) hintAtPipe(respond)
  // NOTE: a detached run does not end here
  await run.end(outcome).catch((error: unknown) => isDetached(error) || report(error))
}

/** Tells the developer, once for each function, that a run has ended without a reply. */
function hintAtPipe(respond: object): void {
  if (mode() !== 'development') return
  warnOnce(
    'respond() has neither piped a stream nor ended its run, so the answer is empty: call await run.pipe(result.toUIMessageStream()), or await run.end() if no answer is meant.',
    respond,
  )
}

async function outcomeFor<M extends object, Chunk>(
  run: AgentRun<M, Chunk>,
  respond: Respond<M, Chunk>,
  report: (error: unknown) => void,
  errorText: ((error: unknown) => string) | undefined,
): Promise<RunOutcome | undefined> {
  // A run that was cancelled before it started calls no model
  if (run.abortSignal.aborted) return { reason: 'cancelled' }
  try {
    const given = await abortable(respondWith(run, respond), run.abortSignal)
    if (isOutcome(given)) return given
    // NOTE: a function that forgot to await its pipe must not cut the pipe short; a function that returns an outcome
    // ends it on purpose
    await abortable(run.idle(), run.abortSignal)
    return undefined
  } catch (error) {
    if (run.abortSignal.aborted) return { reason: 'cancelled' }
    report(error)
    return { reason: 'error', error: { code: codeOf(error), message: clientText(error, errorText, report) } }
  }
}

// NOTE: async, so that a function that throws before its first await rejects like any other
const respondWith = async <Run>(run: Run, respond: (run: Run) => unknown): Promise<unknown> => respond(run)

const isDetached = (error: unknown): boolean => codeOf(error) === ErrorCode.Closed

const codeOf = (error: unknown): unknown => (error as { code?: unknown } | null | undefined)?.code

/** What {@link outcomeOf} reads of one part of the model's output. */
interface ModelOutput {
  readonly type: string
  readonly toolCallId?: string
  /** The provider runs the tool itself: nothing is left to do for the app. */
  readonly providerExecuted?: boolean
}

/** The part of a `streamText` result that {@link outcomeOf} reads; the AI SDK's own results fit. */
export interface ModelResult {
  /** Why the last call of the model stopped. */
  readonly finishReason: PromiseLike<string>
  /** The output of the last call. Without it, a model that stopped for its tools counts as waiting for them. */
  readonly content?: PromiseLike<readonly ModelOutput[]>
}

/**
 * The outcome of a run according to the model's result, for streams whose chunks do not tell it
 * (`toUIMessageStream({ sendFinish: false })`, or chunks of your own). Never rejects.
 *
 * @example
 * const piped = await run.pipe(result.toUIMessageStream({ sendFinish: false }))
 * await run.end(await outcomeOf(piped, result))
 */
export async function outcomeOf(piped: PipeResult, result: ModelResult): Promise<RunOutcome> {
  // NOTE: the AI SDK creates these promises on first access, and a rejected one that is not awaited ends the process
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

function isOutcome(value: unknown): value is RunOutcome {
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
  const answered = new Set(parts.filter(({ type }) => type === 'tool-result' || type === 'tool-error').map(callIdOf))
  const isOpen = (part: ModelOutput): boolean =>
    part.type === 'tool-call' && !part.providerExecuted && !answered.has(callIdOf(part))
  return parts.some(isOpen)
}

const callIdOf = ({ toolCallId = '' }: ModelOutput): string => toolCallId
