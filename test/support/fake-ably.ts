import type { InboundMessage, Message, Realtime } from 'ably'
import { nextSerial } from './serials.ts'

type Listener = (message: InboundMessage) => void

interface Page {
  items: InboundMessage[]
  hasNext(): boolean
  next(): Promise<Page>
}

/** Returns the messages from one position to another, counted from the newest. */
export type Past = (from: number, to: number) => InboundMessage[]

/** Runs a function in the next turn of the event loop; pages have no `setImmediate`. */
const turn: (next: () => void) => unknown = globalThis.setImmediate ?? setTimeout

/** A channel in memory: subscribers receive publishes at once, and history is given by the test. */
export class FakeChannel {
  readonly name = 'ai:bench'
  readonly state = 'attached'
  readonly presence = {}
  readonly #listeners = new Set<Listener>()
  readonly #past: Past
  #time = Date.UTC(2027, 0, 1)

  readonly #pageSize: number | undefined

  /** @param pageSize - how many messages a page of history has, instead of as many as a client asks for */
  constructor(past: Past = () => [], pageSize?: number) {
    this.#past = past
    this.#pageSize = pageSize
  }

  deliver(message: InboundMessage): void {
    for (const listener of this.#listeners) listener(message)
  }

  on(): void {}
  off(): void {}
  once(): void {}
  async attach(): Promise<void> {}
  async detach(): Promise<void> {}

  async subscribe(listener: Listener): Promise<void> {
    this.#listeners.add(listener)
  }

  unsubscribe(listener: Listener): void {
    this.#listeners.delete(listener)
  }

  history({ limit = 100 }: { limit?: number } = {}): Promise<Page> {
    return this.#page(0, this.#pageSize ?? limit)
  }

  async #page(from: number, limit: number): Promise<Page> {
    // A page of history takes a turn of the event loop, as over the network
    await new Promise<void>(turn)
    const items = this.#past(from, from + limit)
    return { items, hasNext: () => items.length === limit, next: () => this.#page(from + limit, limit) }
  }

  async publish(given: Message | Message[]): Promise<{ serials: string[] }> {
    const messages = Array.isArray(given) ? given : [given]
    return { serials: messages.map((message) => this.#echo('message.create', message)) }
  }

  async appendMessage(message: Message): Promise<{ versionSerial: string }> {
    return { versionSerial: this.#echo('message.append', message) }
  }

  async updateMessage(message: Message): Promise<{ versionSerial: string }> {
    return { versionSerial: this.#echo('message.update', message) }
  }

  #echo(action: string, message: Message): string {
    const timestamp = (this.#time += 7)
    const serial = nextSerial()
    const echo = { clientId: 'agent', serial, timestamp, ...message, action, version: { serial, timestamp } }
    this.deliver(echo as InboundMessage)
    return serial
  }
}

/** A connected client with one channel. */
export function fakeAbly(channel: FakeChannel, clientId = 'alice'): Realtime {
  const connection = { state: 'connected', on() {}, off() {}, once() {} }
  const channels = { all: {}, get: () => channel, release() {} }
  // The part of a client that sessions use
  return { auth: { clientId }, connection, channels, options: {} } as unknown as Realtime
}
