import type { ConnectionState, RealtimeClient } from 'ably'

/** What the SDK keeps of what the service told it, beside its documented interface. */
interface Told {
  readonly connection: { readonly connectionManager?: { readonly connectionDetails?: { maxInboundRate?: unknown } } }
  readonly options?: { readonly maxMessageSize?: unknown; readonly echoMessages?: unknown }
}

const usualMaxMessageSize = 65_536

/** What the connection of a client takes. */
export class Uplink {
  constructor(private readonly client: RealtimeClient) {}

  /** Messages a second that the service accepts on it, where it has said so. */
  get maxInboundRate(): number | undefined {
    const rate = this.#told.connection.connectionManager?.connectionDetails?.maxInboundRate
    return typeof rate === 'number' && rate > 0 ? rate : undefined
  }

  /** Bytes that one message may have. */
  get maxMessageSize(): number {
    const size = this.#told.options?.maxMessageSize
    return typeof size === 'number' && size > 0 ? size : usualMaxMessageSize
  }

  /** The connection as the service knows it; what was under way on one before may be sent again on the next. */
  get connectionId(): string | undefined {
    return this.client.connection.id
  }

  /** Whether what is published comes back. */
  get hearsItself(): boolean {
    return this.#told.options?.echoMessages !== false
  }

  /** Whether nothing can be sent now but will be later: what the SDK would queue meanwhile would all come out at once. */
  get isHeldUp(): boolean {
    return heldUp.has(this.client.connection.state)
  }

  /** Whether it is closed or has failed for good: only by hand does it come back. */
  get isOver(): boolean {
    return over.has(this.client.connection.state)
  }

  /** Calls back whenever the connection's state is another; returns how to stop that. */
  onChange(listener: () => void): () => void {
    const { connection } = this.client
    connection.on(listener)
    return () => connection.off(listener)
  }

  // What the SDK does not have reads as not told
  get #told(): Told {
    return this.client as unknown as Told
  }
}

const heldUp: ReadonlySet<ConnectionState> = new Set(['initialized', 'connecting', 'disconnected', 'suspended'])

const over: ReadonlySet<ConnectionState> = new Set(['closing', 'closed', 'failed'])
