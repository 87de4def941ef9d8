import type { Encoder, Operation, ReplyEnding } from '../core/codec'
import { isTooLarge, tooLarge } from '../ably/publish-error'
import { toSessionError, type SessionError } from '../core/errors'
import { Header, MessageName, type Headers, type StreamStatus } from '../core/wire'
import { outputExtras } from './run-messages'
import type { RunPublisher } from './run-publisher'
import { byteLength, headOf, StreamRecord } from './stream-record'

/**
 * One streamed part of an answer. Text that may be divided continues in a further message before one gets too long.
 * Half of a surrogate pair waits for its other half: on its own it would arrive as a replacement character.
 */
export class StreamWriter {
  readonly #openNext: (() => Promise<StreamRecord>) | undefined
  /** Codec headers that further messages have besides those of the stream. */
  readonly #further: Headers | undefined
  #record: StreamRecord
  #isContinued = false
  /** Bytes in the present message. */
  #size = 0
  /** The first half of a surrogate pair. */
  #half = ''
  #failure: unknown

  private constructor(
    record: StreamRecord,
    openNext: (() => Promise<StreamRecord>) | undefined,
    further: Headers | undefined,
  ) {
    this.#record = record
    this.#openNext = openNext
    this.#further = further
  }

  /**
   * Opens a stream; resolves when the channel has it and appends can follow.
   *
   * @param further - codec headers to add to further messages; undefined if the text may not be divided
   */
  static async open(
    publisher: RunPublisher,
    transport: Headers,
    codec: Headers,
    further?: Headers,
  ): Promise<StreamWriter> {
    const open = (headers: Headers): Promise<StreamRecord> => StreamRecord.open(publisher, transport, headers)
    return new StreamWriter(await open(codec), further && (() => open({ ...codec, ...further })), further)
  }

  /** Appends text. Returns a promise when the writer should wait. */
  append(data: string): Promise<void> | undefined {
    const text = this.#half + data
    this.#half = endsWithHalf(text) ? text.slice(-1) : ''
    return this.#append(this.#half === '' ? text : text.slice(0, -1))
  }

  #append(given: string): Promise<void> | undefined {
    // NOTE: half a character arrives differently in JSON and in msgpack, and providers refuse prompts that contain it
    const text = given.toWellFormed()
    if (!this.#openNext) return this.#record.append(text)
    const size = byteLength(text)
    if (this.#size + size > this.#record.room) return this.#divide(text, this.#openNext)
    this.#size += size
    return this.#record.append(text)
  }

  /** @throws {@link SessionError} 104000 when text is missing and the channel refuses the repair */
  async close(status: Exclude<StreamStatus, 'streaming'>, codec?: Headers, data = ''): Promise<void> {
    const rest = status === 'complete' ? this.#half + data : data
    if (rest !== '') await this.#append(rest)
    await this.#record.close(status, codec && this.#isContinued ? { ...codec, ...this.#further } : codec)
    if (this.#failure) throw this.#failure
  }

  async #divide(data: string, openNext: () => Promise<StreamRecord>): Promise<void> {
    for (let rest = data; rest !== '';) {
      const piece = headOf(rest, this.#record.room - this.#size)
      rest = rest.slice(piece.length)
      this.#size += byteLength(piece)
      await this.#record.append(piece)
      if (rest !== '') await this.#continueInNext(openNext)
    }
  }

  async #continueInNext(openNext: () => Promise<StreamRecord>): Promise<void> {
    await this.#record.close('complete').catch((cause: unknown) => (this.#failure ??= cause))
    this.#record = await openNext()
    this.#isContinued = true
    this.#size = 0
  }
}

/** Whether a text ends with the first half of a surrogate pair. */
function endsWithHalf(text: string): boolean {
  const last = text.charCodeAt(text.length - 1)
  return last >= 0xd800 && last <= 0xdbff
}

type Of<Op extends Operation['op']> = Extract<Operation, { op: Op }>

/** Writes the chunks of one message to the channel. */
export class MessageWriter<Chunk> {
  readonly #publisher: RunPublisher
  readonly #encoder: Encoder<Chunk>
  readonly #headers: Headers
  readonly #report: (error: SessionError) => void
  readonly #streams = new Map<string, StreamWriter>()

  /** @param headers - headers of every row of the message */
  constructor(
    publisher: RunPublisher,
    encoder: Encoder<Chunk>,
    headers: Headers,
    report: (error: SessionError) => void,
  ) {
    this.#publisher = publisher
    this.#encoder = encoder
    this.#headers = headers
    this.#report = report
  }

  /** Writes one chunk. Returns a promise only when the caller has to wait; a token never has to. */
  write(chunk: Chunk): Promise<void> | undefined {
    const operations = this.#encoder.encode(chunk)
    const [first] = operations
    if (first?.op === 'append' && operations.length === 1) return this.#append(first)
    return operations.length === 0 ? undefined : this.#performFor(chunk, operations)
  }

  /** Writes a chunk that arrives after a Stop, if it is not part of the answer's content. */
  writeAfterStop(chunk: Chunk): Promise<void> | undefined {
    const operations = this.#encoder.encodeAfterStop?.(chunk) ?? []
    return operations.length === 0 || this.#publisher.isShut ? undefined : this.#performFor(chunk, operations)
  }

  /** Why the message is not whole, according to its chunks; undefined for a whole message. */
  get ending(): ReplyEnding | undefined {
    return this.#encoder.ending?.()
  }

  /** Closes every open stream. Does nothing once the run was left to another process. */
  async closeAll(): Promise<void> {
    if (this.#publisher.isShut) return
    const open = [...this.#streams.values()]
    this.#streams.clear()
    await Promise.all(open.map((stream) => stream.close('cancelled').catch(this.#report)))
  }

  /** A part that is too large for one message is replaced by an error part, and the answer continues. */
  async #performFor(chunk: Chunk, operations: readonly Operation[]): Promise<void> {
    try {
      await this.#performAll(operations)
    } catch (error) {
      const large = operations.find((operation) => operation.op === 'publish')
      if (!large || !isTooLarge(error)) throw error
      this.#report(toSessionError('publish a part of the answer', tooLarge, error))
      await this.#performAll(this.#encoder.refuse?.(chunk, sizeOf(large.data)) ?? [])
    }
  }

  async #performAll(operations: readonly Operation[]): Promise<void> {
    for (const operation of operations) await this.#perform(operation)
  }

  async #perform(operation: Operation): Promise<void> {
    switch (operation.op) {
      case 'publish':
        await this.#publish(operation)
        break
      case 'open':
        await this.#open(operation)
        break
      case 'append':
        await this.#append(operation)
        break
      case 'close':
        await this.#close(operation)
    }
  }

  async #publish(operation: Of<'publish'>): Promise<void> {
    if (!operation.isExtra) return this.#publishRow(operation)
    await this.#publishRow(operation).catch((cause: unknown) => {
      if (!isTooLarge(cause)) throw cause
      const what = `publish ${Object.keys(operation.data as object).join(', ')} (${sizeOf(operation.data)} bytes)`
      this.#report(toSessionError(what, tooLarge, cause))
    })
  }

  async #publishRow({ codec, data: given, ephemeral }: Of<'publish'>): Promise<void> {
    const data = typeof given === 'string' ? given.toWellFormed() : given
    const transport = { ...this.#headers, [Header.streamed]: 'false' }
    const extras = { ...outputExtras(transport, codec), ...(ephemeral && { ephemeral }) }
    const serial = await this.#publisher.publish({ name: MessageName.output, data, extras })
    if (!ephemeral) this.#publisher.published.add(serial, transport, codec, data)
  }

  async #open({ streamId, codec, further }: Of<'open'>): Promise<void> {
    const transport = { ...this.#headers, [Header.streamed]: 'true', [Header.streamId]: streamId }
    await this.#streams.get(streamId)?.close('cancelled').catch(this.#report)
    const stream = await StreamWriter.open(this.#publisher, transport, codec, further)
    this.#streams.set(streamId, stream)
  }

  #append({ streamId, data }: Of<'append'>): Promise<void> | undefined {
    return this.#streams.get(streamId)?.append(data)
  }

  // NOTE: a stream that could not be repaired is reported, and the rest of the answer continues
  async #close({ streamId, codec, data }: Of<'close'>): Promise<void> {
    const stream = this.#streams.get(streamId)
    this.#streams.delete(streamId)
    await stream?.close('complete', codec, data).catch(this.#report)
  }
}

const sizeOf = (data: unknown): number => byteLength(typeof data === 'string' ? data : (JSON.stringify(data) ?? ''))
