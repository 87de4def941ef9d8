import type { ReplyCodec } from '../core/codec'
import type { SessionError } from '../core/errors'
import { newId } from '../core/id'
import { outputHeaders, stepEnd, stepStart, type RunIdentity, type StepIdentity, type StepReason } from './headers'
import { MessageWriter } from './message-writer'
import type { Outlet } from './outlet'
import type { PipeResult } from './pipe'
import type { Written } from './written'

/** What a step needs from its run. */
export interface StepContext<Chunk> {
  readonly codec: Pick<ReplyCodec<object, Chunk>, 'encoder'>
  readonly outlet: Outlet
  readonly identity: RunIdentity
  readonly written: Written
  readonly report: (error: SessionError) => void
}

/** One attempt of a step on the channel. */
export class StepAttempt<Chunk> {
  /** How it came out; undefined while it is open. */
  outcome: StepReason | undefined
  /** How its last pipe came out. */
  last: PipeResult | undefined
  #closing: Promise<void> | undefined

  private constructor(
    private readonly run: StepContext<Chunk>,
    readonly identity: StepIdentity,
  ) {}

  static async open<Chunk>(
    run: StepContext<Chunk>,
    opening: Omit<StepIdentity, 'attempt'>,
  ): Promise<StepAttempt<Chunk>> {
    const attempt = await run.outlet.publish(stepStart(run.identity, opening))
    run.written.addAttempt(opening.stepId, attempt)
    return new StepAttempt(run, { ...opening, attempt })
  }

  /** Opens a message in it, which answers these steers besides the run's trigger. */
  message(steers: readonly string[]): MessageWriter<Chunk> {
    const { codec, outlet, identity, written, report } = this.run
    const messageId = newId()
    const headers = outputHeaders(identity, this.identity, messageId, steers)
    return new MessageWriter(outlet, codec.encoder(messageId), headers, report, written)
  }

  /** Says how the attempt came out, once. Never rejects. */
  close(reason: StepReason): Promise<void> {
    return (this.#closing ??= this.#publishEnd(reason))
  }

  async #publishEnd(reason: StepReason): Promise<void> {
    this.outcome = reason
    const { outlet, identity, report } = this.run
    const end = stepEnd(identity, this.identity, reason)
    if (!outlet.isShut) await outlet.declare('publish the end of a step', end).catch(report)
  }
}
