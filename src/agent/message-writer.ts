import type { Encoder, Operation, ReplyEnding } from '../core/codec'
import { toSessionError, type SessionError } from '../core/errors'
import { Header, MessageName, type Headers } from '../core/wire'
import { outputExtras } from './headers'
import type { Outlet } from './outlet'
import { isTooLarge, tooLarge } from '../ably/refusal'
import { StreamWriter } from './stream-writer'
import { bytesOf } from './text-size'
import { Written } from './written'

type Of<Op extends Operation['op']> = Extract<Operation, { op: Op }>

/** Writes the chunks of one message to the channel. */
export class MessageWriter<Chunk> {
  readonly #streams = new Map<string, StreamWriter>()
  readonly #discrete: Headers

  constructor(
    private readonly outlet: Outlet,
    private readonly encoder: Encoder<Chunk>,
    /** Headers of everything in this message. */
    private readonly headers: Headers,
    private readonly report: (error: SessionError) => void,
    private readonly written = new Written(),
  ) {
    this.#discrete = { ...headers, [Header.streamed]: 'false' }
  }

  /** Writes one chunk. Answers with a promise only where there is something to wait for; a token has nothing. */
  write(chunk: Chunk): Promise<void> | undefined {
    const operations = this.encoder.encode(chunk)
    const [first] = operations
    if (first?.op === 'append' && operations.length === 1) return this.#append(first)
    return operations.length === 0 ? undefined : this.#performFor(chunk, operations)
  }

  /** How the message comes out by what was written; undefined where it is whole. */
  get ending(): ReplyEnding | undefined {
    return this.encoder.ending?.()
  }

  /** Closes what is still open. */
  async closeAll(): Promise<void> {
    const open = [...this.#streams.values()]
    this.#streams.clear()
    await Promise.all(open.map((stream) => stream.close('cancelled').catch(this.report)))
  }

  /** What one message cannot hold is told about in its place, and the answer goes on. */
  async #performFor(chunk: Chunk, operations: readonly Operation[]): Promise<void> {
    try {
      await this.#performAll(operations)
    } catch (error) {
      const large = operations.find((operation) => operation.op === 'publish')
      if (!large || !isTooLarge(error)) throw error
      this.report(toSessionError('publish a part of the answer', tooLarge, error))
      await this.#performAll(this.encoder.refuse?.(chunk, sizeOf(large.data)) ?? [])
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

  async #publish({ codec, data, ephemeral }: Of<'publish'>): Promise<void> {
    const extras = { ...outputExtras(this.#discrete, codec), ...(ephemeral && { ephemeral }) }
    const serial = await this.outlet.publish({ name: MessageName.output, data, extras })
    if (!ephemeral) this.written.add(serial, this.#discrete, codec, data)
  }

  async #open({ streamId, codec, isDivisible }: Of<'open'>): Promise<void> {
    const transport = { ...this.headers, [Header.streamed]: 'true', [Header.streamId]: streamId }
    await this.#streams.get(streamId)?.close('cancelled').catch(this.report)
    this.#streams.set(streamId, await StreamWriter.open(this.outlet, transport, codec, this.written, isDivisible))
  }

  #append({ streamId, data }: Of<'append'>): Promise<void> | undefined {
    return this.#streams.get(streamId)?.append(data)
  }

  // NOTE: a stream that could not be repaired is told about, but the rest of the answer goes on
  async #close({ streamId, codec, data }: Of<'close'>): Promise<void> {
    const stream = this.#streams.get(streamId)
    this.#streams.delete(streamId)
    await stream?.close('complete', codec, data).catch(this.report)
  }
}

const sizeOf = (data: unknown): number => bytesOf(typeof data === 'string' ? data : (JSON.stringify(data) ?? ''))
