import type { Headers, StreamStatus } from '../core/wire'
import type { Outlet } from './outlet'
import { StreamRecord } from './stream-record'
import { bytesOf, headOf } from './text-size'
import { Written } from './written'

/** One streamed part of an answer. Where it may be divided, it goes on in a further message before one gets too long. */
export class StreamWriter {
  /** Bytes in the present message. */
  #size = 0
  #trouble: unknown

  private constructor(
    private record: StreamRecord,
    private readonly openNext: (() => Promise<StreamRecord>) | undefined,
  ) {}

  /** Opens a stream; resolves when the channel has it and appends can follow. */
  static async open(
    outlet: Outlet,
    transport: Headers,
    codec: Headers,
    written = new Written(),
    isDivisible = false,
  ): Promise<StreamWriter> {
    const open = (): Promise<StreamRecord> => StreamRecord.open(outlet, transport, codec, written)
    return new StreamWriter(await open(), isDivisible ? open : undefined)
  }

  /** Lengthens the stream. Answers with a promise where the writer should wait. */
  append(data: string): Promise<void> | undefined {
    if (!this.openNext) return this.record.append(data)
    const size = bytesOf(data)
    if (this.#size + size > this.record.room) return this.#divide(data, this.openNext)
    this.#size += size
    return this.record.append(data)
  }

  /** @throws {@link SessionError} 104000 when something is missing in it that the channel does not take */
  async close(status: Exclude<StreamStatus, 'streaming'>, codec?: Headers, data?: string): Promise<void> {
    if (data) await this.append(data)
    await this.record.close(status, codec)
    if (this.#trouble) throw this.#trouble
  }

  async #divide(data: string, openNext: () => Promise<StreamRecord>): Promise<void> {
    for (let rest = data; rest !== '';) {
      const piece = headOf(rest, this.record.room - this.#size)
      rest = rest.slice(piece.length)
      this.#size += bytesOf(piece)
      await this.record.append(piece)
      if (rest !== '') await this.#goOn(openNext)
    }
  }

  async #goOn(openNext: () => Promise<StreamRecord>): Promise<void> {
    await this.record.close('complete').catch((cause: unknown) => (this.#trouble ??= cause))
    this.record = await openNext()
    this.#size = 0
  }
}
