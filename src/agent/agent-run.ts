import type { SessionError } from '../core/errors'
import type { RunInfo } from '../core/run-info'
import type { RunEndReason, RunStep } from '../core/run-state'
import type { AdmitHook, AnswerHook, CancelHook, SteerHook } from './hooks'

/** A stream of chunks to publish: `toUIMessageStream()` of the AI SDK, or any iterable of chunks. */
export type ChunkSource<Chunk> = ReadableStream<Chunk> | AsyncIterable<Chunk> | Iterable<Chunk>

/** Publishes one more chunk of an answer that is being stopped. */
export type WriteChunk<Chunk> = (chunk: Chunk) => Promise<void>

/**
 * The state of a run in this process. `over`: it has ended, or its session was detached.
 */
export type RunPhase = 'new' | 'starting' | 'open' | 'ending' | 'suspended' | 'over'

/** The result of one attempt of a step. */
export type StepReason = Exclude<RunStep['status'], 'active'>

/** Options of one run. */
export interface RunHooks<Chunk> {
  /** A run id of your own; must not be empty. A resumed run keeps its id. @default a random id */
  runId?: string
  /** An id of your own for this invocation of the agent; must not be empty. @default a random id */
  invocationId?: string
  /**
   * Decides whether the run may start or resume now, given the other active runs of the session; `start()` rejects when
   * it returns `false`. Active runs of every process count, also of a process that has died.
   * @default every run may start
   */
  admit?: AdmitHook
  /** Decides which cancels stop the run. @default every cancel from a client that may publish on the session */
  onCancel?: CancelHook
  /**
   * Decides which messages sent while the run streams become part of it.
   * @default every message from a client that may publish on the session
   */
  onSteer?: SteerHook
  /**
   * Decides which answers resume a suspended run, or start a run in its place. A refused answer stays on the channel:
   * use `policy` to keep it from being read.
   * @default every answer from a client that may publish on the session
   */
  onAnswer?: AnswerHook
  /**
   * The text of an error for the clients of the session, when a stream or the agent throws. An error that is given to
   * `run.end()` is published as it is.
   * @default the error's message if NODE_ENV is `development` or `test`, else "The agent failed"
   */
  errorText?: (error: unknown) => string
  /** Called when a pipe is cancelled: may publish a few last chunks. Chunks after 5 seconds are dropped. */
  onCancelled?: (write: WriteChunk<Chunk>) => unknown
  /**
   * Milliseconds to look for the prompt, and to wait for a run that is answered while it still streams.
   * @default 10_000
   */
  triggerTimeout?: number
  /** Cancels the run when it aborts: for time limits, or a process that shuts down. */
  signal?: AbortSignal
}

/** The error that a run ended with. */
export interface RunFailure {
  /** Clients see a number as the code of the run's error. */
  readonly code?: unknown
  readonly message: string
}

/** The result of a run. */
export interface RunOutcome {
  /**
   * `suspend` does not end the run: it waits for a client's answer, and a later invocation resumes it. A run that was
   * cancelled ends `cancelled` instead of `complete` or `suspend`.
   */
  reason: RunEndReason | 'suspend'
  /**
   * Shown to every client of the session when `reason` is `error`: the message, and a numeric `code` if there is one.
   */
  error?: RunFailure
}

/** The result of piping a stream. `pipe()` never rejects because of the stream: a failure is in `error`. */
export interface PipeResult {
  /**
   * `cancelled` when the run was cancelled or the stream reports an abort; `suspend` when the stream reports that the
   * model waits for a tool output or an approval.
   */
  readonly reason: RunEndReason | 'suspend'
  /** Present when `reason` is `error`. */
  readonly error?: SessionError
}

/** Options of a step. */
export interface StepOptions {
  /**
   * A step id of your own; reopening a step under its id replaces the output of its earlier attempt.
   * @default the id of the previous step if that failed, else a new id
   */
  id?: string
  /** The client that the step works for. @default the client of the previous step, else the publisher of the input */
  clientId?: string
}

/** Options of a step that is retried. */
export interface RetryOptions extends StepOptions {
  /** The number of further attempts after a failure, unless the run is cancelled. @default 0 */
  retries?: number
}

/** One attempt of a step. */
export interface AgentStep<Chunk> {
  readonly stepId: string
  /**
   * Publishes a stream as one message of this attempt. One pipe at a time.
   * @throws SessionError 40003 after `end()`, or during another pipe
   */
  pipe(stream: ChunkSource<Chunk>): Promise<PipeResult>
  /**
   * Waits for a running pipe, then ends the attempt. Ending it again does nothing. Never rejects: a refused publish is
   * reported.
   *
   * @param reason - by default the result of the attempt's last pipe, or `complete` without one
   */
  end(reason?: StepReason): Promise<void>
}

/** A prompt and the run that views show as its answer. */
export interface Turn<M> {
  /** Undefined when the prompt was deleted from the channel. */
  readonly prompt?: M
  /**
   * Undefined for the prompt to answer now, for a prompt without an answer, and where only part of the answer is on the
   * path.
   */
  readonly run?: RunInfo
  /** The messages of that run so far. */
  readonly answer: readonly M[]
  /** Whether the next prompt follows this answer; false when it was sent before the answer began. */
  readonly isFollowed: boolean
}

/**
 * Selects the part of the conversation that the model gets. `'all'`: every prompt with its answer; an incomplete answer
 * ends with a note that says why. `'answered'`: only prompts with a complete answer. A function returns the messages of
 * each turn, oldest first.
 */
export type ContextRule<M> = 'all' | 'answered' | ((turn: Turn<M>) => readonly M[])

/**
 * One answer to one prompt.
 *
 * @example
 * await run.start()
 * const messages = await convertToModelMessages(run.context())
 * const result = streamText({ model, messages, abortSignal: run.abortSignal })
 * await run.pipe(result.toUIMessageStream())
 * await run.end()
 */
export interface AgentRun<M extends object, Chunk> {
  readonly runId: string
  /** Identifies this invocation of the agent. */
  readonly invocationId: string
  /** Message id of the prompt, or of the request to regenerate; undefined until `start()` has found it. */
  readonly inputId: string | undefined
  readonly phase: RunPhase
  /**
   * Aborts with an `AbortError` when the run is cancelled, when its session ends, or when `end()` cuts a pipe short.
   * Pass it to the model and to tools.
   */
  readonly abortSignal: AbortSignal
  /**
   * Resolves once this process can publish nothing more: the run has ended, is suspended or was detached. Never
   * rejects.
   */
  readonly finished: Promise<void>
  /**
   * Finds the input, applies earlier cancels, announces the run and reads the conversation before it. An answer to a
   * suspended run resumes that run, under its own id and for its owner.
   * @throws HandledError when a run answers the input already, SessionError 104010 when the input or its run is not
   * found in time, 40003 when that run has ended, 40160 when the client may not answer it, 42900 when `admit` refuses
   * or that run still streams, 40033 when `signal` aborts first, 104003 when the run could not be announced, 104011
   * when history could not be read
   */
  start(): Promise<void>
  /**
   * The conversation up to the prompt and the output of this run so far, as fresh messages for
   * `convertToModelMessages`. Messages sent into the run that it has not answered yet come last.
   * @throws SessionError 40003 before `start()`
   */
  context(options?: { include?: ContextRule<M> }): M[]
  /**
   * Whether there is input to answer: true before the first pipe, and later when messages were sent into the run since
   * the last call. The next pipe answers those. False once the run is cancelled.
   *
   * @example
   * while (run.hasInput()) {
   *   const messages = await convertToModelMessages(run.context())
   *   await run.pipe(streamText({ model, messages, abortSignal: run.abortSignal }).toUIMessageStream())
   * }
   */
  hasInput(): boolean
  /**
   * Publishes a stream as one message of the answer. Returns early when the run is cancelled. One pipe at a time.
   * @throws SessionError 40003 before `start()`, after `end()` or `suspend()`, during another pipe or beside an open
   * step
   */
  pipe(stream: ChunkSource<Chunk>): Promise<PipeResult>
  /** Whether a stream was piped. */
  readonly hasPiped: boolean
  /** Resolves when no pipe is running. Never rejects. */
  idle(): Promise<void>
  /**
   * Runs a function inside a step. The attempt fails when the function throws or its last pipe fails; another attempt
   * replaces its output. Resolves with the function's result, or rejects like the last attempt.
   *
   * @param work - receives the step; returns the result
   * @throws SessionError 40003 like `pipe`, 40033 once the run is cancelled
   *
   * @example
   * await run.step((step) => step.pipe(research(run.abortSignal)), { id: 'research', retries: 2 })
   */
  step<T>(work: (step: AgentStep<Chunk>) => T | PromiseLike<T>, options?: RetryOptions): Promise<T>
  /**
   * Opens a step that you end yourself. Reopened under the same id, it replaces the output of the earlier attempt;
   * without an id that happens when the previous step failed.
   * @throws SessionError 40003 like `pipe`, 40033 once the run is cancelled
   */
  step(options?: string | StepOptions): Promise<AgentStep<Chunk>>
  /**
   * Suspends the run until a client answers: with the output of a tool that runs elsewhere, or an approval. This
   * process can publish nothing more; the answer wakes the agent again. A cancel before that ends the run as cancelled,
   * while this session is attached.
   * @throws SessionError 40003 unless the run is open, without a running pipe or an open step; 104003 when it could not
   * be published: try again, or end the run
   */
  suspend(): Promise<void>
  /**
   * Ends the run, or suspends it. A running pipe is stopped like by a cancel, and an open step is closed first. Ending
   * again does nothing, unless it failed: then it is tried again with the first outcome, except where the agent may not
   * publish.
   *
   * @param outcome - by default the result of the last pipe; `cancelled` if that pipe or an opening step was stopped;
   * `complete` without a pipe; `suspend` instead of `complete` while a call of an earlier pipe waits for its answer, or an
   * answer counts that `context()` has not returned
   * @throws SessionError 40003 before `start()` and after `suspend()`, 104003 when it could not be published
   */
  end(outcome?: RunOutcome): Promise<void>
  /** The ids that another process needs to adopt the open run: see `adoptRun`. */
  toJSON(): { runId: string; invocationId: string; inputEventId: string }
}
