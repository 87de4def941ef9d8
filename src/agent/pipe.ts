import type { ReplyEnding } from '../core/codec'
import { ErrorCode, SessionError, toSessionError } from '../core/errors'
import type { RunEndReason } from '../core/run-state'
import { ChunkReader, stopped, type ChunkSource } from './chunk-reader'
import type { StepReason } from './headers'
import { inTime } from './in-time'
import type { Outlet } from './outlet'
import type { Reply } from './reply'

/** How piping a stream came out. It never rejects: what went wrong is in `error`. */
export interface PipeResult {
  /**
   * `cancelled` when the run was cancelled or the stream says that it was aborted; `suspend` when it says that the model
   * waits for the output of a tool, or for an approval.
   */
  readonly reason: RunEndReason | 'suspend'
  /** Present when `reason` is `error`. */
  readonly error?: SessionError
}

/** Writes one more chunk of an answer that is being stopped. */
export type WriteChunk<Chunk> = (chunk: Chunk) => Promise<void>

/** What a pipe needs from its run. */
export interface PipeContext<Chunk> {
  readonly signal: AbortSignal
  readonly outlet: Outlet
  /** Opens the step and message that this pipe fills. */
  open(): Promise<Reply<Chunk>>
  readonly onCancelled?: (write: WriteChunk<Chunk>) => unknown
  readonly report: (error: SessionError) => void
}

type Outcome = PipeResult & { step: StepReason }

/** Publishes a stream chunk by chunk, until it ends or the run is cancelled. */
export async function pipe<Chunk>(source: ChunkSource<Chunk>, context: PipeContext<Chunk>): Promise<PipeResult> {
  let reply: Promise<Reply<Chunk>> | undefined
  const open = (): Promise<Reply<Chunk>> => (reply ??= context.open())
  const wasAborted = context.signal.aborted
  const { step, ...result } = await consume(source, context, open)
  if (result.reason === 'cancelled' && context.signal.aborted && !wasAborted) await lastWord(context, open)
  // NOTE: a reply that could not be opened has made the pipe fail already
  await (await reply?.catch(() => undefined))?.close(step)
  return result
}

async function consume<Chunk>(
  source: ChunkSource<Chunk>,
  { signal }: PipeContext<Chunk>,
  open: () => Promise<Reply<Chunk>>,
): Promise<Outcome> {
  let reader: ChunkReader<Chunk> | undefined
  const stop = (): void => reader?.stop()
  signal.addEventListener('abort', stop)
  try {
    reader = new ChunkReader(source)
    if (signal.aborted) stop()
    let reply: Reply<Chunk> | undefined
    for (;;) {
      const next = await reader.read()
      if (next === stopped) return cancelled
      if (next.done) return reply?.ending ? outcomeOf(reply.ending) : complete
      reply ??= await open()
      if (signal.aborted) return cancelled
      const written = reply.write(next.value)
      if (written) await written
    }
  } catch (cause) {
    return signal.aborted ? cancelled : failed(cause)
  } finally {
    signal.removeEventListener('abort', stop)
    stop()
  }
}

const complete: Outcome = { reason: 'complete', step: 'complete' }
const cancelled: Outcome = { reason: 'cancelled', step: 'cancelled' }

const failed = (cause: unknown): Outcome => ({
  reason: 'error',
  error: toSessionError('stream the answer', ErrorCode.StreamFailed, cause),
  step: 'failed',
})

/** What a stream comes to that ran to its end and said itself that the answer is not whole. */
function outcomeOf({ reason, message }: ReplyEnding): Outcome {
  if (reason === 'cancelled') return cancelled
  if (reason === 'suspend') return { reason, step: 'complete' }
  return { reason, error: new SessionError(message, ErrorCode.StreamFailed), step: 'complete' }
}

// In milliseconds: whoever pressed Stop should not wait for ever for the last word
const lastWordLimit = 5000

async function lastWord<Chunk>(
  { onCancelled, outlet, report }: PipeContext<Chunk>,
  open: () => Promise<Reply<Chunk>>,
): Promise<void> {
  if (!onCancelled || outlet.isShut) return
  let isOver = false
  const writeNext = async (before: Promise<void>, chunk: Chunk): Promise<void> => {
    await before
    if (isOver) return
    const reply = await open()
    if (!isOver) await reply.write(chunk)
  }
  let tail = Promise.resolve()
  const write: WriteChunk<Chunk> = (chunk) => {
    tail = writeNext(tail, chunk)
    // NOTE: the hook need not wait for what it writes; a refusal comes to light when it is done
    tail.catch(() => undefined)
    return tail
  }
  const speak = async (): Promise<void> => {
    await onCancelled(write)
    await tail
  }
  try {
    await inTime(speak(), lastWordLimit)
  } catch (cause) {
    report(toSessionError('say a last word', ErrorCode.HookFailed, cause))
  } finally {
    isOver = true
  }
}
