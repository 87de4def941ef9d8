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
export interface OutputContext<Chunk> extends StepContext<Chunk>, Omit<PipeContext<Chunk>, 'open' | 'codec'> {
  readonly codec: StepContext<Chunk>['codec'] & PipeContext<Chunk>['codec']
  readonly tree: Tree<object>
  readonly steers: SteerWatch
}

/** A step while it is open, with how its last pipe came out. */
export interface OpenStep<Chunk> extends AgentStep<Chunk> {
  readonly last: PipeResult | undefined
}

/** What a run writes: one pipe at a time, in a step that was opened for it or in one of its own. */
export class RunOutput<Chunk> {
  readonly #steps: Steps<Chunk>
  #piping: Promise<PipeResult> | undefined
  #isOpening = false
  #open: StepAttempt<Chunk> | undefined
  #last: PipeResult | undefined

  constructor(private readonly run: OutputContext<Chunk>) {
    this.#steps = new Steps(run, run.tree)
  }

  /** How the last pipe came out, once none is running. */
  async settled(): Promise<PipeResult | undefined> {
    await this.#piping
    return this.#last
  }

  get isPiping(): boolean {
    return this.#piping !== undefined
  }

  get hasOpenStep(): boolean {
    return this.#isOpening || this.#open !== undefined
  }

  /** Publishes a stream as one message, in a step that begins with its first chunk. */
  async pipe(stream: ChunkSource<Chunk>): Promise<PipeResult> {
    this.#checkIdle('pipe a stream')
    return this.#pipe(stream)
  }

  /** Opens a step for pipes to come. */
  async openStep({ id = this.#steps.failedId, clientId }: StepOptions): Promise<OpenStep<Chunk>> {
    this.#checkIdle('open a step')
    this.#isOpening = true
    try {
      this.#open = await this.#steps.open({ id, clientId })
    } finally {
      this.#isOpening = false
    }
    return this.#handleOf(this.#open)
  }

  #handleOf(step: StepAttempt<Chunk>): OpenStep<Chunk> {
    let last: PipeResult | undefined
    return {
      stepId: step.identity.stepId,
      get last() {
        return last
      },
      pipe: async (stream) => {
        if (this.#open !== step && !this.run.signal.aborted) throw misuse('pipe a stream', 'the step has ended')
        if (this.#piping) throw misuse('pipe a stream', 'another pipe is still running')
        return (last = await this.#pipe(stream, step))
      },
      end: async (reason) => {
        await this.#piping
        await this.#closeStep(step, reason ?? stepReasonOf(last))
      },
    }
  }

  async #pipe(stream: ChunkSource<Chunk>, step?: StepAttempt<Chunk>): Promise<PipeResult> {
    const { steers, outlet } = this.run
    steers.begin()
    const open = async (): Promise<Reply<Chunk>> => {
      const own = step ? undefined : await this.#steps.open({})
      return new Reply((step ?? own!).message(steers.take()), outlet, own)
    }
    this.#piping = pipe(stream, { ...this.run, open })
    try {
      return (this.#last = await this.#piping)
    } finally {
      this.#piping = undefined
    }
  }

  async #closeStep(step: StepAttempt<Chunk>, reason: StepReason): Promise<void> {
    if (this.#open === step) this.#open = undefined
    await step.close(reason)
  }

  /** Waits for a pipe that is still running and closes the step that is open. */
  async close(reason: StepReason): Promise<void> {
    await this.#piping
    if (this.#open) await this.#closeStep(this.#open, reason)
  }

  #checkIdle(what: string): void {
    if (this.#piping) throw misuse(what, 'another pipe is still running')
    if (this.hasOpenStep) throw misuse(what, 'a step is still open')
  }
}

/** What a step came to when its last pipe came out like this. */
export const stepReasonOf = (result: Pick<PipeResult, 'reason'> | undefined): StepReason =>
  result?.reason === 'error' ? 'failed' : result?.reason === 'cancelled' ? 'cancelled' : 'complete'
