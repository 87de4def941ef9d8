import type { ReplyEnding } from '../core/codec'
import { ErrorCode, SessionError, toSessionError } from '../core/errors'
import type { ChunkSource, PipeResult, StepReason, WriteChunk } from './agent-run'
import type { LiveRun } from './live-run'
import type { MessageWriter } from './message-writer'
import { resolvesWithin } from '../core/signals'

/** Returned by a reader that was stopped. */
export const stopped = Symbol('stopped')

type Next<Chunk> = IteratorResult<Chunk, unknown> | typeof stopped

interface Pull<Chunk> {
  next(): Promise<IteratorResult<Chunk, unknown>>
  cancel(): PromiseLike<unknown> | undefined
}

/** Reads a stream until it ends or is stopped, even when the stream is silent or ignores its signal. */
export class ChunkReader<Chunk> {
  readonly #pull: Pull<Chunk>
  #isStopped = false
  #giveUp: ((result: typeof stopped) => void) | undefined

  constructor(source: ChunkSource<Chunk>) {
    checkSource(source)
    this.#pull = 'getReader' in source ? pullStream(source) : pullIterable(source)
  }

  /** The next chunk. Rejects when the source throws. */
  read(): Promise<Next<Chunk>> {
    if (this.#isStopped) return Promise.resolve(stopped)
    // NOTE: not Promise.race with one promise for the signal: that would keep every chunk until the signal fires
    return new Promise((resolve, reject) => {
      this.#giveUp = resolve
      this.#pull.next().then(resolve, reject)
    })
  }

  /** Makes `read()` resolve with `stopped` at once, and cancels the source without waiting for it. */
  stop(): void {
    if (this.#isStopped) return
    this.#isStopped = true
    this.#giveUp?.(stopped)
    try {
      this.#pull.cancel()?.then(undefined, () => undefined)
    } catch {
      // The source cannot be cancelled
    }
  }
}

// NOTE: apps without types pass the result of a model, a promise or a response
function checkSource(source: unknown): void {
  const isObject = typeof source === 'object' && source !== null
  if (isObject && ('getReader' in source || Symbol.asyncIterator in source || Symbol.iterator in source)) return
  throw new TypeError('pipe() takes a stream of chunks, as in run.pipe(result.toUIMessageStream())')
}

function pullStream<Chunk>(stream: ReadableStream<Chunk>): Pull<Chunk> {
  const reader = stream.getReader()
  return {
    next: () => reader.read(),
    cancel: () => reader.cancel(),
  }
}

function pullIterable<Chunk>(iterable: AsyncIterable<Chunk> | Iterable<Chunk>): Pull<Chunk> {
  if (Symbol.asyncIterator in iterable) {
    const iterator = iterable[Symbol.asyncIterator]()
    return { next: () => iterator.next(), cancel: () => iterator.return?.() }
  }
  const iterator = iterable[Symbol.iterator]()
  return { next: async () => iterator.next(), cancel: () => void iterator.return?.() }
}

/** The message that one pipe fills. */
export interface Reply<Chunk> {
  readonly message: MessageWriter<Chunk>
  /** The step that was opened for the message, and ends with it. */
  readonly step?: { close(reason: StepReason): Promise<void> }
}

type PipeOutcome = PipeResult & { step: StepReason }

/**
 * Publishes a stream chunk by chunk, until it ends or the run is stopped.
 *
 * @param openReply - opens the message that the stream fills; called with the first chunk
 */
export async function pipe<Chunk>(
  source: ChunkSource<Chunk>,
  run: LiveRun<object, Chunk>,
  openReply: () => Promise<Reply<Chunk>>,
): Promise<PipeResult> {
  let reply: Promise<Reply<Chunk>> | undefined
  const open = (): Promise<Reply<Chunk>> => (reply ??= openReply())
  const wasAborted = run.signal.aborted
  const { step, ...result } = await consume(source, run.signal, open)
  // An error without a cause is a chunk, which the model's own callbacks have heard of
  if (result.error?.cause) run.channel.report(result.error)
  if (result.reason === 'cancelled' && run.signal.aborted && !wasAborted) await callOnCancelled(run, open)
  // NOTE: a reply that could not be opened has made the pipe fail already
  const opened = await reply?.catch(() => undefined)
  await opened?.message.closeAll()
  await opened?.step?.close(step)
  return result
}

// In milliseconds: time for the model's own callbacks to hear of a Stop
const drainLimit = 250

async function consume<Chunk>(
  source: ChunkSource<Chunk>,
  signal: AbortSignal,
  open: () => Promise<Reply<Chunk>>,
): Promise<PipeOutcome> {
  let reader: ChunkReader<Chunk> | undefined
  let timer: ReturnType<typeof setTimeout> | undefined
  let drainUntil: number | undefined
  const stop = (): void => reader?.stop()
  // NOTE: a cancelled stream tells its callbacks nothing about the Stop, so it is read on for a moment
  const drain = (): void => {
    drainUntil = performance.now() + drainLimit
    timer = setTimeout(stop, drainLimit)
  }
  signal.addEventListener('abort', drain)
  try {
    reader = new ChunkReader(source)
    if (signal.aborted) drain()
    let message: Reply<Chunk>['message'] | undefined
    for (;;) {
      const next = await reader.read()
      // NOTE: the time is looked at, too, because a source that never waits starves the timer
      if (next === stopped || (drainUntil !== undefined && performance.now() > drainUntil)) return cancelled
      if (next.done) return drainUntil ? cancelled : message?.ending ? outcomeOfEnding(message.ending) : complete
      if (!drainUntil) message ??= (await open()).message
      const written = drainUntil ? message?.writeAfterStop(next.value) : message?.write(next.value)
      if (written) await written
    }
  } catch (cause) {
    return signal.aborted ? cancelled : failed(cause)
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', drain)
    stop()
  }
}

const complete: PipeOutcome = { reason: 'complete', step: 'complete' }
const cancelled: PipeOutcome = { reason: 'cancelled', step: 'cancelled' }

const failed = (cause: unknown): PipeOutcome => ({
  reason: 'error',
  error: toSessionError('stream the answer', ErrorCode.StreamFailed, cause || new Error(`it threw ${String(cause)}`)),
  step: 'failed',
})

/** The outcome of a stream that was read to its end, but whose chunks say that the answer is not whole. */
function outcomeOfEnding({ reason, message }: ReplyEnding): PipeOutcome {
  if (reason === 'cancelled') return cancelled
  if (reason === 'suspend') return { reason, step: 'complete' }
  return { reason, error: new SessionError(message, ErrorCode.StreamFailed), step: 'complete' }
}

// In milliseconds: the user who pressed Stop should not wait long for the last chunks
const lastChunksLimit = 5000

/** Lets the hook `onCancelled` publish its last chunks. */
async function callOnCancelled<Chunk>(
  { hooks: { onCancelled }, publisher, channel }: LiveRun<object, Chunk>,
  open: () => Promise<Reply<Chunk>>,
): Promise<void> {
  if (!onCancelled || publisher.isShut) return
  let isOver = false
  const writeNext = async (before: Promise<void>, chunk: Chunk): Promise<void> => {
    await before
    if (isOver) return
    const { message } = await open()
    if (!isOver) await message.write(chunk)
  }
  let tail = Promise.resolve()
  const write: WriteChunk<Chunk> = (chunk) => {
    tail = writeNext(tail, chunk)
    // NOTE: the hook need not await its chunks; a refusal is reported when the hook is done
    tail.catch(() => undefined)
    return tail
  }
  const writeAll = async (): Promise<void> => {
    await onCancelled(write)
    await tail
  }
  try {
    await resolvesWithin(writeAll(), lastChunksLimit)
  } catch (cause) {
    channel.report(toSessionError('call onCancelled', ErrorCode.HookFailed, cause))
  } finally {
    isOver = true
  }
}
