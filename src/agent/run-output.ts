import type { Tree } from '../core/tree'
import type { AgentStep, StepOptions } from './agent-step'
import type { ChunkSource } from './chunk-reader'
import type { StepReason } from './headers'
import { misuse } from './misuse'
import { pipe, type PipeContext, type PipeResult } from './pipe'
import { Reply } from './reply'
import type { SteerWatch } from './steer-watch'
import type { StepAttempt, StepContext } from './step-attempt'
import { Steps } from './steps'

/** What writing the output of a run needs to know of it. */
export interface OutputContext<Chunk> extends StepContext<Chunk>, Omit<PipeContext<Chunk>, 'open'> {
  readonly tree: Tree<object>
  readonly steers: SteerWatch
}

/** A step while it is open. */
export interface OpenStep<Chunk> extends AgentStep<Chunk> {
  /** How its last pipe came out, once none is running. */
  settled(): Promise<PipeResult | undefined>
}

/** What a run writes: one pipe at a time, in a step that was opened for it or in one of its own. */
export class RunOutput<Chunk> {
  readonly #steps: Steps<Chunk>
  #piping: Promise<PipeResult> | undefined
  #opening: Promise<StepAttempt<Chunk>> | undefined
  #open: StepAttempt<Chunk> | undefined
  #closing: Promise<void> | undefined
  #last: PipeResult | undefined
  #isOver = false

  constructor(private readonly run: OutputContext<Chunk>) {
    this.#steps = new Steps(run, run.tree)
  }

  /** Lets nothing more begin and waits for what is under way; resolves with how the last of it came out. */
  async settle(): Promise<PipeResult | undefined> {
    this.#isOver = true
    // NOTE: a step that was still opening has nothing in it, and will not have
    if (this.#opening) this.#last = { reason: 'cancelled' }
    await this.#opening?.catch(() => undefined)
    await this.#piping
    return this.#last
  }

  get isPiping(): boolean {
    return this.#piping !== undefined
  }

  get hasOpenStep(): boolean {
    return this.#opening !== undefined || this.#open !== undefined
  }

  /** Whether something is under way that the end of the run would cut short. */
  get isBusy(): boolean {
    return this.isPiping || this.#opening !== undefined
  }

  /** Publishes a stream as one message, in a step that begins with its first chunk. */
  async pipe(stream: ChunkSource<Chunk>): Promise<PipeResult> {
    this.#checkIdle('pipe a stream')
    return this.#pipe(stream)
  }

  /** Opens a step for pipes to come. */
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
      return step.last
    }
    return {
      stepId: step.identity.stepId,
      settled,
      pipe: async (stream) => {
        const hasEnded = isEnding || this.#isOver || this.#open !== step
        if (hasEnded && !this.run.signal.aborted) throw misuse('pipe a stream', 'the step has ended')
        if (this.#piping) throw misuse('pipe a stream', 'another pipe is still running')
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
    const { steers, outlet } = this.run
    steers.begin()
    const open = async (): Promise<Reply<Chunk>> => {
      const own = step ? undefined : await this.#steps.open({})
      return new Reply((step ?? own!).message(steers.take()), outlet, own)
    }
    const result = await pipe(stream, { ...this.run, open })
    if (step) step.last = result
    return (this.#last = result)
  }

  async #closeStep(step: StepAttempt<Chunk>, reason: StepReason): Promise<void> {
    if (this.#open === step) this.#open = undefined
    await (this.#closing = step.close(reason))
  }

  /** Closes the step that is open, and waits for one that is being closed. */
  async close(reason: StepReason): Promise<void> {
    if (this.#open) await this.#closeStep(this.#open, reason)
    await this.#closing
  }

  #checkIdle(what: string): void {
    if (this.#piping) throw misuse(what, 'another pipe is still running')
    if (this.hasOpenStep) throw misuse(what, 'a step is still open')
  }
}

/** What a step came to when its last pipe came out like this. */
export const stepReasonOf = (result: Pick<PipeResult, 'reason'> | undefined): StepReason =>
  result?.reason === 'error' ? 'failed' : result?.reason === 'cancelled' ? 'cancelled' : 'complete'
