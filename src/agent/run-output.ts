import type { ChunkSource, PipeResult, StepOptions, StepReason } from './agent-run'
import { badRequest } from './errors'
import type { LiveRun } from './live-run'
import { pipe } from './pipe'
import type { SteerPasses } from './steer-passes'
import { Steps, type OpenStep, type Reply, type StepAttempt } from './steps'

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

  get isPiping(): boolean {
    return this.#piping !== undefined
  }

  get hasOpenStep(): boolean {
    return this.#opening !== undefined || this.#open !== undefined
  }

  /** Whether the end of the run would cut output short. */
  get isBusy(): boolean {
    return this.isPiping || this.#opening !== undefined
  }

  /** Publishes a stream as one message, in a step that begins with its first chunk. */
  async pipe(stream: ChunkSource<Chunk>): Promise<PipeResult> {
    this.#checkIdle('pipe a stream')
    return this.#pipe(stream)
  }

  /** Opens a step for later pipes. */
  async openStep({ id = this.#steps.failedId, clientId }: StepOptions): Promise<OpenStep<Chunk>> {
    this.#checkIdle('open a step')
    this.#opening = this.#steps.open({ id, clientId })
    try {
      this.#open = await this.#opening
    } finally {
      this.#opening = undefined
    }
    return this.#handleOf(this.#open)
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

  #checkIdle(action: string): void {
    if (this.#piping) throw badRequest(action, 'another pipe is still running')
    if (this.hasOpenStep) throw badRequest(action, 'a step is still open')
  }
}

/** The result of a step whose last pipe had this result. */
export const stepReasonOf = (result: Pick<PipeResult, 'reason'> | undefined): StepReason =>
  result?.reason === 'error' ? 'failed' : result?.reason === 'cancelled' ? 'cancelled' : 'complete'
