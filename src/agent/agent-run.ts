import type { RunEndReason } from '../core/run-state'
import type { CancelHook } from './cancel'
import type { ChunkSource } from './chunk-reader'
import type { ContextRule } from './context'
import type { RunFailure } from './headers'
import type { PipeResult, WriteChunk } from './pipe'

/** How one run is to behave. */
export interface RunHooks<Chunk> {
  /** An id of your own; must not be empty. @default a random one */
  runId?: string
  /** An id of your own for this waking of the agent; must not be empty. @default a random one */
  invocationId?: string
  /** Decides who may stop the run. @default everybody who may publish on the session */
  onCancel?: CancelHook
  /** Called when a pipe is cancelled: may write a few last chunks. What it writes after 5 seconds is dropped. */
  onCancelled?: (write: WriteChunk<Chunk>) => unknown
  /** Milliseconds to look for the prompt. @default 10_000 */
  triggerTimeout?: number
  /** Cancels the run too, for time limits or a process that is shutting down. */
  signal?: AbortSignal
}

/** How a run came out. */
export interface RunOutcome {
  /** `complete` becomes `cancelled` when the run was asked to stop. */
  reason: RunEndReason
  /** Shown to everybody on the session when `reason` is `error`: a numeric `code`, if there is one, and the message. */
  error?: RunFailure
}

/**
 * One answer to one prompt.
 *
 * @example
 * await run.start()
 * const result = streamText({ model, messages: await convertToModelMessages(run.context()), abortSignal: run.abortSignal })
 * await run.pipe(result.toUIMessageStream())
 * await run.end()
 */
export interface AgentRun<M extends object, Chunk> {
  readonly runId: string
  /** Identity of this waking of the agent. */
  readonly invocationId: string
  /** Message id of the prompt, or of the request to regenerate; undefined until `start()` has found it. */
  readonly inputId: string | undefined
  /** Aborts when the run is cancelled or its session ends, with an `AbortError`. Hand it to the model and to tools. */
  readonly abortSignal: AbortSignal
  /**
   * Finds the prompt, applies cancels that came first, announces the run and reads the conversation before it.
   * @throws SessionError 104010 when the prompt is not found in time, 40033 when `signal` aborts before that,
   * 104003 when the run could not be announced, 104011 when history could not be read
   */
  start(): Promise<void>
  /**
   * The conversation up to the prompt, as fresh messages for `convertToModelMessages`.
   * @throws SessionError 40003 before `start()`
   */
  context(options?: { include?: ContextRule<M> }): M[]
  /**
   * Publishes a stream as one message of the answer. Returns early when the run is cancelled. One pipe at a time.
   * @throws SessionError 40003 before `start()`, after `end()`, or during another pipe
   */
  pipe(stream: ChunkSource<Chunk>): Promise<PipeResult>
  /**
   * Says how the run came out and ends it; a pipe that is still running is stopped. Ending again does nothing.
   *
   * @param outcome - without it the run comes out as its last pipe did, and `complete` if there was none
   * @throws SessionError 40003 before `start()`, 104003 when it could not be published
   */
  end(outcome?: RunOutcome): Promise<void>
}
