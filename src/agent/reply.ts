import type { Codec } from '../core/codec'
import { ErrorCode, toSessionError, type SessionError } from '../core/errors'
import { newId } from '../core/id'
import { outputHeaders, stepEnd, stepStart, type RunIdentity, type StepIdentity, type StepReason } from './headers'
import { MessageWriter } from './message-writer'
import type { Outlet } from './outlet'

/** What a reply needs from its run. */
export interface ReplyContext<Chunk> {
  readonly codec: Pick<Codec<object, Chunk>, 'encoder'>
  readonly outlet: Outlet
  readonly identity: RunIdentity
  readonly report: (error: SessionError) => void
}

/** One message of a run while it is written, with the step around it: what one pipe makes. */
export class Reply<Chunk> {
  private constructor(
    private readonly run: ReplyContext<Chunk>,
    private readonly step: StepIdentity,
    private readonly writer: MessageWriter<Chunk>,
  ) {}

  /** Opens a step and a message in it. */
  static async open<Chunk>(run: ReplyContext<Chunk>, stepId: string): Promise<Reply<Chunk>> {
    const { codec, outlet, identity } = run
    const opening = { stepId, clientId: identity.inputClientId ?? '' }
    const step = { ...opening, attempt: await outlet.publish(stepStart(identity, opening)) }
    const messageId = newId()
    const headers = outputHeaders(identity, step, messageId)
    return new Reply(run, step, new MessageWriter(outlet, codec.encoder(messageId), headers, run.report))
  }

  /** Writes one chunk; the promise, if there is one, is to be awaited before the next. */
  write(chunk: Chunk): Promise<void> | undefined {
    return this.writer.write(chunk)
  }

  /** Closes streams that are still open, then the step. Never rejects. */
  async close(reason: StepReason): Promise<void> {
    const { outlet, identity, report } = this.run
    if (!outlet.isShut) await this.writer.closeAll()
    if (!outlet.isShut) await outlet.insist(stepEnd(identity, this.step, reason)).catch(failed(report))
  }
}

const failed =
  (report: (error: SessionError) => void) =>
  (cause: unknown): void =>
    report(toSessionError('publish the end of a step', ErrorCode.LifecyclePublishFailed, cause))
