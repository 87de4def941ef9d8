import type { Codec, ReplyCodec } from '../../src/codec'
import { MessageWriter } from '../../src/agent/message-writer'
import type { ChannelMessage, OutgoingMessage } from '../../src/core/wire'
import { message, nextSerial } from '../core/wire'
import { freePublisher } from '../support/free-channel'

type Extras = OutgoingMessage['extras']

/** A channel in memory, with live messages and history. */
export class MemoryChannel {
  /** The messages as a live subscriber receives them. */
  readonly live: ChannelMessage[] = []
  readonly #whole = new Map<string, ChannelMessage>()

  /** One message per serial with all its data, newest first. */
  get history(): ChannelMessage[] {
    return [...this.#whole.values()].toReversed()
  }

  hear(heard: ChannelMessage): string {
    this.live.push(heard)
    this.#whole.set(heard.serial!, heard)
    return heard.serial!
  }

  /** Publishes an input as a client does. */
  prompt<M extends object>(codec: Codec<M>, given: string | M, messageId: string): void {
    for (const input of codec.inputs(given)) {
      const { role, parts } = codec.encode(input)
      for (const part of parts) {
        this.hear(message('ai-input', { role, 'codec-message-id': messageId }, part.codec, part.data))
      }
    }
  }

  /** Writes a reply as an agent does. */
  async reply<M extends object, Chunk>(
    codec: ReplyCodec<M, Chunk>,
    chunks: readonly Chunk[],
    { runId = 'r', messageId = 'm', parent }: { runId?: string; messageId?: string; parent?: string } = {},
  ): Promise<void> {
    const headers = { 'run-id': runId, 'codec-message-id': messageId, role: 'assistant', ...(parent && { parent }) }
    const fail = (error: unknown): never => {
      throw error
    }
    const writer = new MessageWriter(this.#publisher(), codec.encoder(messageId), headers, fail)
    for (const chunk of chunks) await writer.write(chunk)
    await writer.closeAll()
  }

  #publisher(): ReturnType<typeof freePublisher> {
    const revise = (action: string, serial: string, data: string, extras: Extras): Promise<void> => {
      const version = { serial: nextSerial() }
      this.live.push({ serial, version, action, data, extras })
      const before = this.#whole.get(serial)!
      const whole = action === 'message.append' ? `${before.data as string}${data}` : data
      this.#whole.set(serial, { ...before, version, action: 'message.update', data: whole, extras })
      return Promise.resolve()
    }
    return freePublisher({
      publishOne: ({ name, data, extras }: OutgoingMessage) =>
        Promise.resolve(this.hear({ ...message(name!, {}), data, extras: structuredClone(extras) })),
      append: (serial: string, data: string, extras: Extras) => revise('message.append', serial, data, extras),
      update: (serial: string, data: string, extras: Extras) => revise('message.update', serial, data, extras),
    })
  }
}
