import type * as Ably from 'ably'
import type { UIMessageChunk } from 'ai'
import type { Headers } from '../../src/core/wire'

/**
 * A client of a session at the level of channel messages: it publishes inputs and cancels, and receives all
 * messages.
 */
export interface WireClient {
  readonly channel: Ably.RealtimeChannel
  /** All messages so far, in order. */
  readonly heard: Ably.InboundMessage[]
  /** Resolves with the first matching message, received or still to come. */
  hears(fits: (message: Ably.InboundMessage) => boolean): Promise<Ably.InboundMessage>
  /** Publishes a prompt, one channel message per text. */
  prompt(text: string | string[], headers?: Record<string, string>): Promise<{ inputId: string; inputEventId: string }>
  /** Publishes a request to regenerate a reply. */
  regenerate(target: string, parent: string): Promise<{ inputId: string; inputEventId: string }>
  /** Publishes a cancel; resolves with its event id. */
  cancel(what: { runId?: string; inputId?: string }): Promise<string>
}

/** Attaches to a session's channel with a client of its own. */
export async function joinWire(client: Ably.Realtime, name: string): Promise<WireClient> {
  const channel = client.channels.get(name)
  const heard: Ably.InboundMessage[] = []
  const waiting = new Set<() => void>()
  await channel.subscribe((message) => {
    heard.push(message)
    for (const look of waiting) look()
  })
  const { clientId } = client.auth
  const input = async (codec: Headers[], data: string[], headers: Record<string, string>) => {
    const inputId = headers['codec-message-id'] ?? crypto.randomUUID()
    const inputEventId = crypto.randomUUID()
    const transport = {
      'codec-message-id': inputId,
      'event-id': inputEventId,
      ...(clientId ? { 'run-client-id': clientId } : {}),
      stream: 'false',
      ...headers,
    }
    await channel.publish(
      data.map((text, index) => ({ name: 'ai-input', data: text, extras: { ai: { transport, codec: codec[index] } } })),
    )
    return { inputId, inputEventId }
  }
  return {
    channel,
    heard,
    hears: (fits) =>
      new Promise((resolve) => {
        const look = () => {
          const found = heard.find(fits)
          if (!found) return
          waiting.delete(look)
          resolve(found)
        }
        waiting.add(look)
        look()
      }),
    prompt(text, headers = {}) {
      const texts = [text].flat()
      const messageId = `ui-${crypto.randomUUID()}`
      const codec = texts.map(() => ({ kind: 'user-message', messageId, partType: 'text' }))
      return input(codec, texts, { role: 'user', discrete: 'true', ...headers })
    },
    regenerate: (target, parent) => input([{ kind: 'regenerate' }], [''], { parent, 'msg-regenerate': target }),
    async cancel({ runId, inputId }) {
      const eventId = crypto.randomUUID()
      const transport = {
        'event-id': eventId,
        ...(runId !== undefined && { 'run-id': runId }),
        ...(inputId !== undefined && { 'input-codec-message-id': inputId }),
      }
      await channel.publish({ name: 'ai-cancel', extras: { ai: { transport } } })
      return eventId
    },
  }
}

export const transportOf = (message: { extras?: unknown }): Record<string, string> =>
  (message.extras as { ai: { transport: Record<string, string> } }).ai.transport

/** Matches messages with this name and these transport headers. */
export const named =
  (name: string, headers: Record<string, string> = {}) =>
  (message: Ably.InboundMessage): boolean =>
    message.name === name && Object.entries(headers).every(([key, value]) => transportOf(message)[key] === value)

/** A stream that a test writes chunk by chunk. */
export interface HandFed {
  readonly stream: AsyncIterable<UIMessageChunk>
  push(...chunks: UIMessageChunk[]): void
  end(): void
  fail(error: unknown): void
  /** The number of chunks that were read. */
  readonly taken: number
  /** Whether the reader has cancelled the stream. */
  readonly isStopped: boolean
}

export function handFed(): HandFed {
  const queue: IteratorResult<UIMessageChunk>[] = []
  const failures: unknown[] = []
  let wake = () => {}
  let taken = 0
  let isStopped = false
  const add = (result: IteratorResult<UIMessageChunk>) => {
    queue.push(result)
    wake()
  }
  return {
    push: (...chunks) => chunks.forEach((value) => add({ done: false, value })),
    end: () => add({ done: true, value: undefined }),
    fail(error) {
      failures.push(error)
      wake()
    },
    get taken() {
      return taken
    },
    get isStopped() {
      return isStopped
    },
    stream: {
      [Symbol.asyncIterator]: () => ({
        async next() {
          while (queue.length === 0 && failures.length === 0) await new Promise<void>((resolve) => (wake = resolve))
          const result = queue.shift()
          if (!result) throw failures[0]
          if (!result.done) taken++
          return result
        },
        async return() {
          isStopped = true
          return { done: true, value: undefined }
        },
      }),
    },
  }
}

/** The chunks of a text reply. */
export const textChunks = (texts: string[], messageId = 'm1', id = 't1'): UIMessageChunk[] => [
  { type: 'start', messageId },
  { type: 'start-step' },
  { type: 'text-start', id },
  ...texts.map((delta) => ({ type: 'text-delta', id, delta }) as const),
  { type: 'text-end', id },
  { type: 'finish-step' },
  { type: 'finish', finishReason: 'stop' },
]

export async function* streamOf<T>(chunks: readonly T[]): AsyncGenerator<T> {
  yield* chunks
}
