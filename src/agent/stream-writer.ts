import { ErrorCode, toSessionError, type SessionError } from '../core/errors'
import { Header, MessageName, type Headers, type OutgoingMessage, type StreamStatus } from '../core/wire'
import { outputExtras } from './headers'
import type { Outlet } from './outlet'
import type { Row } from '../core/log'
import { Written } from './written'

type Extras = OutgoingMessage['extras']

// NOTE: bounds memory when a model is faster than the channel, and lets the process hear a cancel in between
const maxPending = 500

/** One streamed part on the channel: opened empty, lengthened by appends that nobody waits for, closed. */
export class StreamWriter {
  #pending = 0
  #refusal: unknown
  readonly #waiting: (() => void)[] = []
  /** Sent with every append as it is: the channel wants extras whole, and a token must not pay for making them. */
  readonly #extras: Extras

  private constructor(
    private readonly outlet: Outlet,
    private readonly transport: Headers,
    private readonly codec: Headers,
    /** The stream with all its text so far. */
    private readonly row: Row,
    extras: Extras,
  ) {
    this.#extras = extras
  }

  /** Opens a stream; resolves when the channel has it and appends can follow. */
  static async open(
    outlet: Outlet,
    transport: Headers,
    codec: Headers,
    written = new Written(),
  ): Promise<StreamWriter> {
    const extras = extrasOf(transport, codec, 'streaming')
    const serial = await outlet.publish({ name: MessageName.output, data: '', extras })
    return new StreamWriter(outlet, transport, codec, written.add(serial, extras.ai.transport, codec, ''), extras)
  }

  /** Lengthens the stream. Answers with a promise only when so much is under way that the writer should wait. */
  append(data: string): Promise<void> | undefined {
    if (data === '') return undefined
    this.row.data = `${this.row.data as string}${data}`
    this.#pending++
    // NOTE: a refusal is handled here at once; left alone it would end the process before the stream closes
    this.outlet.append(this.row.serial, data, this.#extras).then(this.#settled, this.#refused)
    return this.#pending < maxPending ? undefined : this.#drained()
  }

  /**
   * Ends the stream once all appends are settled. If any was refused, one update puts the whole text right.
   * @throws {@link SessionError} 104000 when the channel refuses that too
   */
  async close(status: Exclude<StreamStatus, 'streaming'>, codec = this.codec, data = ''): Promise<void> {
    if (data !== '') void this.append(data)
    await this.#drained()
    const extras = extrasOf(this.transport, codec, status)
    this.row.transport = extras.ai.transport
    this.row.codec = codec
    if (this.#refusal === undefined) await this.outlet.append(this.row.serial, '', extras).catch(this.#note)
    if (this.#refusal !== undefined) await this.#repair(extras, codec)
  }

  async #repair(extras: Extras, codec: Headers): Promise<void> {
    try {
      await this.outlet.update(this.row.serial, this.row.data as string, extras)
    } catch (cause) {
      if (this.outlet.isShut) return
      // What is there stays cut off, but it must not look as if more were to come
      await this.outlet.append(this.row.serial, '', extrasOf(this.transport, codec, 'cancelled')).catch(() => undefined)
      throw repairFailed(cause)
    }
  }

  #drained(): Promise<void> {
    if (this.#pending === 0) return Promise.resolve()
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  readonly #settled = (): void => {
    if (--this.#pending > 0) return
    for (const resume of this.#waiting.splice(0)) resume()
  }

  readonly #note = (cause: unknown): void => {
    this.#refusal ??= cause ?? 'refused'
  }

  readonly #refused = (cause: unknown): void => {
    this.#note(cause)
    this.#settled()
  }
}

const extrasOf = (transport: Headers, codec: Headers, status: StreamStatus): Extras =>
  outputExtras({ ...transport, [Header.status]: status }, codec)

const repairFailed = (cause: unknown): SessionError =>
  toSessionError('repair a stream of the answer', ErrorCode.StreamRepairFailed, cause)
