import type { ReplyEnding } from '../core/codec'
import type { StepReason } from './headers'
import type { MessageWriter } from './message-writer'
import type { Outlet } from './outlet'
import type { StepAttempt } from './step-attempt'

/** One message of a run while it is written: what one pipe makes. */
export class Reply<Chunk> {
  constructor(
    private readonly writer: MessageWriter<Chunk>,
    private readonly outlet: Outlet,
    /** The step that ends with the message, if it was opened for it. */
    private readonly step?: StepAttempt<Chunk>,
  ) {}

  /** Writes one chunk; the promise, if there is one, is to be awaited before the next. */
  write(chunk: Chunk): Promise<void> | undefined {
    return this.writer.write(chunk)
  }

  /** How the message comes out by what was written; undefined where it is whole. */
  get ending(): ReplyEnding | undefined {
    return this.writer.ending
  }

  /** Closes streams that are still open, then the step. Never rejects. */
  async close(reason: StepReason): Promise<void> {
    if (!this.outlet.isShut) await this.writer.closeAll()
    await this.step?.close(reason)
  }
}
