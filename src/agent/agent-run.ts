import type { RunEndReason } from '../core/run-state'
import type { AgentStep, RetryOptions, StepOptions } from './agent-step'
import type { ChunkSource } from './chunk-reader'
import type { ContextRule } from './context'
import type { AdmitHook, AnswerHook, CancelHook, SteerHook } from './hooks'
import type { PipeResult, WriteChunk } from './pipe'
import type { RunFailure } from './run-failure'
import type { RunPhase } from './run-phase'

/** How one run is to behave. */
export interface RunHooks<Chunk> {
  /** An id of your own; must not be empty. A run that goes on keeps the id it has. @default a random one */
  runId?: string
  /** An id of your own for this waking of the agent; must not be empty. @default a random one */
  invocationId?: string
  /**
   * Decides whether the run may start or go on now, by what else goes on in the session; `start()` rejects when not. Every
   * process that answers the session is counted, and so is a run whose process has died.
   * @default it may
   */
  admit?: AdmitHook
  /** Decides who may stop the run. @default everybody who may publish on the session */
  onCancel?: CancelHook
  /**
   * Decides which messages that are sent into the run while it is written are heeded.
   * @default those of everybody who may publish on the session
   */
  onSteer?: SteerHook
  /**
   * Decides whose answers make a run that waits go on; also those that begin a run in its place. What it refuses is still
   * on the channel: use `policy` for what must not be read either.
   * @default those of everybody who may publish on the session
   */
  onAnswer?: AnswerHook
  /** Called when a pipe is cancelled: may write a few last chunks. What it writes after 5 seconds is dropped. */
  onCancelled?: (write: WriteChunk<Chunk>) => unknown
  /**
   * Milliseconds to look for the prompt, and to wait for a run that is answered while it is still being written.
   * @default 10_000
   */
  triggerTimeout?: number
  /** Cancels the run too, for time limits or a process that is shutting down. */
  signal?: AbortSignal
}

/** How a run came out. */
export interface RunOutcome {
  /**
   * `suspend` does not end the run: it waits for somebody, and a later waking of the agent goes on with it. `complete` and
   * `suspend` become `cancelled` when the run was asked to stop.
   */
  reason: RunEndReason | 'suspend'
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
  /** How far it has come in this process: `over` once it has ended or was left. */
  readonly phase: RunPhase
  /**
   * Aborts when the run is cancelled, when its session ends, or when `end()` cuts something short, with an `AbortError`. Hand
   * it to the model and to tools.
   */
  readonly abortSignal: AbortSignal
  /** Resolves once nothing more can be written here: the run has ended, waits or was left. Never rejects. */
  readonly finished: Promise<void>
  /**
   * Finds the input, applies cancels that came first, announces the run and reads the conversation before it. An input
   * that answers a run that waits makes that run go on, under its own id and for its owner.
   * @throws HandledError when the input is answered already, here or by another agent, SessionError 104010 when the input
   * or its run is not found in time, 40003 when that run has ended, 40160 when whoever answers it may not, 42900 when
   * `admit` says no or that run is still being written, 40033 when `signal` aborts before that, 104003 when the run could not be announced, 104011 when
   * history could not be read
   */
  start(): Promise<void>
  /**
   * The conversation up to the prompt and what the run itself has said since, as fresh messages for
   * `convertToModelMessages`. Messages sent into the run that no output has answered come last.
   * @throws SessionError 40003 before `start()`
   */
  context(options?: { include?: ContextRule<M> }): M[]
  /**
   * Whether there is something to answer: true before the first pipe, and later when messages were sent into the run since
   * it was last asked. The next pipe answers those. False once the run is cancelled.
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
   * @throws SessionError 40003 before `start()`, after `end()` or `suspend()`, during another pipe or beside an open step
   */
  pipe(stream: ChunkSource<Chunk>): Promise<PipeResult>
  /**
   * Does a piece of work in a step. When it throws, or its last pipe fails, the attempt has failed; another attempt takes
   * the place of what it wrote. Resolves with what the work gives, or rejects as the last attempt did.
   * @throws SessionError 40003 as `pipe` does, 40033 once the run is cancelled
   *
   * @example
   * await run.step((step) => step.pipe(research(run.abortSignal)), { id: 'research', retries: 2 })
   */
  step<T>(work: (step: AgentStep<Chunk>) => T | PromiseLike<T>, options?: RetryOptions): Promise<T>
  /**
   * Opens a step to be ended by hand, under an id or a new one. Opened again under the same id it takes the place of what
   * the attempt before wrote; without an id that happens when the step before failed.
   * @throws SessionError 40003 as `pipe` does, 40033 once the run is cancelled
   */
  step(options?: string | StepOptions): Promise<AgentStep<Chunk>>
  /**
   * Lets the run wait for somebody: for the output of a tool that runs elsewhere, or for an approval. Nothing more can be
   * published here; the answer wakes the agent again. Asked to stop before that, the run ends as cancelled, as long as this
   * session is attached.
   * @throws SessionError 40003 unless the run is open with no pipe running and no step open, 104003 when it could not be
   * published; it can be tried again then, or ended
   */
  suspend(): Promise<void>
  /**
   * Says how the run came out and ends it, or lets it wait. What is still being written is stopped, as a cancel would, and a
   * step that is open is closed first. Ending again does nothing, unless it failed: then it is tried again, as it was first
   * told, except where the agent may not publish at all.
   *
   * @param outcome - without it the run comes out as its last pipe did, `cancelled` if that or a step that was opening had
   * to be stopped, and `complete` if there was none
   * @throws SessionError 40003 before `start()` and after `suspend()`, 104003 when it could not be published
   */
  end(outcome?: RunOutcome): Promise<void>
  /** What another process needs to go on with the run while it is open: see `adoptRun`. */
  toJSON(): { runId: string; invocationId: string; inputEventId: string }
}
