import { badRequest } from '../core/errors'
import { newId } from '../core/wire'
import type { AgentStep, ChunkSource, PipeResult, RetryOptions, StepOptions, StepReason } from './agent-run'
import type { LiveRun } from './live-run'
import { MessageWriter } from './message-writer'
import { pipe, type Reply } from './pipe'
import { outputHeaders, stepEnd, stepStart, type StepIdentity } from './run-messages'
import type { SteerPasses } from './steer-passes'

/** The output of a run: one pipe at a time, in an open step or in a step of its own. */
export class RunOutput<Chunk> {
  readonly #run: LiveRun<object, Chunk>
  readonly #steers: SteerPasses
  readonly #steps: Steps<Chunk>
  #piping: Promise<PipeResult> | undefined
  #opening: Promise<StepAttempt<Chunk>> | undefined
  #open: StepAttempt<Chunk> | undefined
  #closing: Promise<void> | undefined
  #lastPipe: PipeResult | undefined
  #isOver = false

  constructor(run: LiveRun<object, Chunk>, steers: SteerPasses) {
    this.#run = run
    this.#steers = steers
    this.#steps = new Steps(run)
  }

  /** Refuses further output and waits for output under way; resolves with the result of the last pipe. */
  async settle(): Promise<PipeResult | undefined> {
    this.#isOver = true
    // NOTE: a step that is still opening will get no output
    if (this.#opening) this.#lastPipe = { reason: 'cancelled' }
    await this.#opening?.catch(() => undefined)
    await this.#piping
    return this.#lastPipe
  }

  /** Resolves when no pipe is running. */
  async idle(): Promise<void> {
    while (this.#piping) {
      await this.#piping.catch(() => undefined)
      // NOTE: a function that was not awaited may begin its next pipe now
      await new Promise((resolve) => setTimeout(resolve))
    }
  }

  /** Whether a stream was piped. */
  get hasPiped(): boolean {
    return this.#piping !== undefined || this.#lastPipe !== undefined
  }

  /** Whether the end of the run would cut output short. */
  get isBusy(): boolean {
    return this.#piping !== undefined || this.#opening !== undefined
  }

  /** Publishes a stream as one message, in a step that begins with its first chunk. */
  async pipe(stream: ChunkSource<Chunk>): Promise<PipeResult> {
    this.#checkWritable('pipe a stream')
    this.checkIdle('pipe a stream')
    return this.#pipe(stream)
  }

  /** Opens a step for later pipes. */
  async openStep({ id = this.#steps.failedId, clientId }: StepOptions): Promise<OpenStep<Chunk>> {
    this.#checkWritable('open a step')
    this.#run.signal.throwIfAborted()
    this.checkIdle('open a step')
    this.#opening = this.#steps.open({ id, clientId })
    try {
      this.#open = await this.#opening
    } finally {
      this.#opening = undefined
    }
    return this.#handleOf(this.#open)
  }

  /** Runs a function inside a step, and retries it under the step's id when it throws or its last pipe fails. */
  async tryStep<T>(
    work: (step: AgentStep<Chunk>) => T | PromiseLike<T>,
    { retries = 0, ...options }: RetryOptions,
  ): Promise<T> {
    const { signal } = this.#run
    let { id } = options
    for (let left = retries; ; left--) {
      const step = await this.openStep({ ...options, id })
      id = step.stepId
      const attempt = await tryOnce(step, work)
      await step.end('failure' in attempt ? (signal.aborted ? 'cancelled' : 'failed') : undefined)
      if ('value' in attempt) return attempt.value
      if (left <= 0 || signal.aborted) throw attempt.failure
    }
  }

  #handleOf(step: StepAttempt<Chunk>): OpenStep<Chunk> {
    let isEnding = false
    const settled = async (): Promise<PipeResult | undefined> => {
      await this.#piping
      return step.lastPipe
    }
    return {
      stepId: step.identity.stepId,
      settled,
      pipe: async (stream) => {
        const hasEnded = isEnding || this.#isOver || this.#open !== step
        if (hasEnded && !this.#run.signal.aborted) throw badRequest('pipe a stream', 'the step has ended')
        if (this.#piping) throw badRequest('pipe a stream', 'another pipe is still running')
        return this.#pipe(stream, step)
      },
      end: async (reason) => {
        isEnding = true
        const last = await settled()
        await this.#closeStep(step, reason ?? stepReasonOf(last))
      },
    }
  }

  async #pipe(stream: ChunkSource<Chunk>, step?: StepAttempt<Chunk>): Promise<PipeResult> {
    this.#piping = this.#write(stream, step)
    try {
      return await this.#piping
    } finally {
      this.#piping = undefined
    }
  }

  async #write(stream: ChunkSource<Chunk>, step: StepAttempt<Chunk> | undefined): Promise<PipeResult> {
    this.#steers.beginPass()
    const openReply = async (): Promise<Reply<Chunk>> => {
      const own = step ? undefined : await this.#steps.open({})
      return { message: (step ?? own!).openMessage(this.#steers.take()), step: own }
    }
    const result = await pipe(stream, this.#run, openReply)
    if (result.reason === 'suspend') this.#run.answers.areAwaited = true
    if (step) step.lastPipe = result
    return (this.#lastPipe = result)
  }

  async #closeStep(step: StepAttempt<Chunk>, reason: StepReason): Promise<void> {
    if (this.#open === step) this.#open = undefined
    await (this.#closing = step.close(reason))
  }

  /** Closes the open step, and waits for a step that is closing. */
  async close(reason: StepReason): Promise<void> {
    if (this.#open) await this.#closeStep(this.#open, reason)
    await this.#closing
  }

  #checkWritable(action: string): void {
    const { phase, signal, isTargetKnown } = this.#run
    // NOTE: after a cancel a function that still writes is not at fault, so its output is dropped without an error
    const isStopped = signal.aborted && (phase === 'ending' || phase === 'over')
    if (!isStopped || !isTargetKnown) this.#run.permit('write', action)
  }

  /** @throws {@link SessionError} 40003 during a pipe or beside an open step */
  checkIdle(action: string): void {
    if (this.#piping) throw badRequest(action, 'another pipe is still running')
    if (this.#opening || this.#open) throw badRequest(action, 'a step is still open')
  }
}

/** The result of a step whose last pipe had this result. */
export const stepReasonOf = (result: Pick<PipeResult, 'reason'> | undefined): StepReason =>
  result?.reason === 'error' ? 'failed' : result?.reason === 'cancelled' ? 'cancelled' : 'complete'

/** One attempt of a step on the channel. */
class StepAttempt<Chunk> {
  /** The result of the attempt; undefined while it is open. */
  outcome: StepReason | undefined
  /** The result of its last pipe. */
  lastPipe: PipeResult | undefined
  readonly identity: StepIdentity
  readonly #run: LiveRun<object, Chunk>
  #closing: Promise<void> | undefined

  constructor(run: LiveRun<object, Chunk>, identity: StepIdentity) {
    this.#run = run
    this.identity = identity
  }

  /**
   * Opens a message in the attempt.
   *
   * @param steers - message ids of the steers that the message answers besides the run's trigger
   */
  openMessage(steers: readonly string[]): MessageWriter<Chunk> {
    const { channel, publisher, identity } = this.#run
    const messageId = newId()
    const headers = outputHeaders(identity, this.identity, messageId, steers)
    return new MessageWriter(publisher, channel.codec.encoder(messageId), headers, channel.report)
  }

  /** Publishes the end of the attempt, once. Never rejects. */
  close(reason: StepReason): Promise<void> {
    return (this.#closing ??= this.#publishEnd(reason))
  }

  async #publishEnd(reason: StepReason): Promise<void> {
    this.outcome = reason
    const { publisher, identity, channel, answers } = this.#run
    if (publisher.isShut) return
    const end = stepEnd(identity, this.identity, reason, answers.take())
    await publisher.declare('publish the end of a step', end).catch(channel.report)
  }
}

/** The steps that this invocation opens in its run. */
export class Steps<Chunk> {
  readonly #run: LiveRun<object, Chunk>
  #count = 0
  #last: StepAttempt<Chunk> | undefined

  constructor(run: LiveRun<object, Chunk>) {
    this.#run = run
  }

  /** Opens an attempt of a step; without an id it opens a new step. */
  async open({ id, clientId }: StepOptions): Promise<StepAttempt<Chunk>> {
    const { publisher, identity, answers } = this.#run
    const opening = { stepId: id ?? this.#newId(), clientId: clientId ?? this.#lastClientId() }
    const start = stepStart(identity, opening, answers.take())
    const attempt = await publisher.declare('publish the start of a step', start, 'opening')
    publisher.published.addAttempt(attempt, opening.stepId)
    return (this.#last = new StepAttempt(this.#run, { ...opening, attempt }))
  }

  /** Id of the previous step if it failed: reopening it replaces its output. */
  get failedId(): string | undefined {
    return this.#last?.outcome === 'failed' ? this.#last.identity.stepId : undefined
  }

  // NOTE: another process may have opened steps for this invocation
  #newId(): string {
    const taken = new Set(this.#known().map(({ stepId }) => stepId))
    for (;;) {
      const id = `${this.#run.invocationId}-step-${this.#count++}`
      if (!taken.has(id)) return id
    }
  }

  #lastClientId(): string {
    const last = this.#last?.identity.clientId ?? this.#known().at(-1)?.stepClientId
    return last ?? this.#run.identity.inputClientId ?? ''
  }

  /** The steps of the run on the channel. */
  #known() {
    const { tree } = this.#run.channel
    tree.settle()
    return tree.runs.get(this.#run.runId)?.fold.steps ?? []
  }
}

/** A step while it is open. */
interface OpenStep<Chunk> extends AgentStep<Chunk> {
  /** Waits for a running pipe; resolves with the result of the step's last pipe. */
  settled(): Promise<PipeResult | undefined>
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
