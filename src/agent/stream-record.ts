import { isPassing, isTooFast } from '../ably/publish-error'
import { ErrorCode, toSessionError, type SessionError } from '../core/errors'
import type { Row } from '../core/rows'
import { Header, MessageName, type Headers, type OutgoingMessage, type StreamStatus } from '../core/wire'
import { outputExtras } from './run-messages'
import type { RunPublisher } from './run-publisher'

type Extras = OutgoingMessage['extras']

/** A piece of text that was sent and not confirmed yet. */
interface Piece {
  readonly text: string
  readonly tokens: number
  /** Position in the order of sending. */
  readonly index: number
  /** The connection that carried it. */
  readonly connectionId: string | undefined
}

// NOTE: bounds memory when a model is faster than the channel, and leaves time to hear a cancel
const maxPending = 500

/**
 * One message of a streamed part: opened empty, extended by appends without waiting for them, closed. Text that arrives
 * while the stream waits for its turn goes out in one append.
 */
export class StreamRecord {
  readonly #publisher: RunPublisher
  readonly #transport: Headers
  readonly #codec: Headers
  /** The stream with all its text so far. */
  readonly #row: Row
  /** Sent with every append: the channel replaces extras whole, and a token must not pay for building them. */
  readonly #extras: Extras
  /** Text that waits for its turn. */
  #text = ''
  #tokens = 0
  #isQueued = false
  #sentCount = 0
  #inFlight = 0
  /** Tokens that the channel has not accepted yet. */
  #pending = 0
  #lastAccepted = -1
  #refused: Piece[] = []
  /** Whether the channel's text has a gap or a repetition, which only an update with the whole text repairs. */
  #isBroken = false
  /** When to repair it, unless the stream closes first. */
  #repairAt = 0
  #isRepairing = false
  #isClosing = false
  #failure: SessionError | undefined
  readonly #waiting: (() => void)[] = []
  /** Bytes of text that fit, so that one update can always repair the stream. */
  readonly room: number

  private constructor(publisher: RunPublisher, transport: Headers, codec: Headers, row: Row, extras: Extras) {
    this.#publisher = publisher
    this.#transport = transport
    this.#codec = codec
    this.#row = row
    this.#extras = extras
    const { maxMessageSize } = publisher
    this.room = Math.max(leastRoom, maxMessageSize * (1 - closingShare) - JSON.stringify(extras).length)
  }

  /** Opens a stream; resolves when the channel has it and appends can follow. */
  static async open(publisher: RunPublisher, transport: Headers, codec: Headers): Promise<StreamRecord> {
    const extras = extrasOf(transport, codec, 'streaming')
    const serial = await publisher.publish({ name: MessageName.output, data: '', extras })
    const row = publisher.published.add(serial, extras.ai.transport, codec, '')
    return new StreamRecord(publisher, transport, codec, row, extras)
  }

  /**
   * Appends text. Returns a promise only when so much is under way that the writer should wait, or when the channel
   * has refused the stream.
   */
  append(data: string): Promise<void> | undefined {
    if (data === '') return undefined
    if (this.#failure) return Promise.reject(this.#failure)
    this.#add(data)
    this.#queue()
    return this.#pending < maxPending ? undefined : this.#settledAll()
  }

  /**
   * Closes the stream once all appends are settled. If text is missing then, one update repairs it.
   * @throws {@link SessionError} 104000 when the channel refuses that
   */
  async close(status: Exclude<StreamStatus, 'streaming'>, codec = this.#codec, data = ''): Promise<void> {
    if (data !== '') this.#add(data)
    this.#isClosing = true
    await this.#settledAll()
    const extras = extrasOf(this.#transport, codec, status)
    this.#row.transport = extras.ai.transport
    this.#row.codec = codec
    const { connectionId } = this.#publisher
    if (!this.#isBroken) await this.#end(extras).catch(() => (this.#isBroken = true))
    if (connectionId !== this.#publisher.connectionId) this.#isBroken = true
    if (this.#isBroken) await this.#repair(extras, codec)
  }

  #add(data: string): void {
    this.#row.data = `${this.#row.data as string}${data}`
    this.#text += data
    this.#tokens++
    this.#pending++
  }

  #queue(): void {
    if (this.#isQueued || this.#isBlocked) return
    if (this.#isBroken && performance.now() >= this.#repairAt) {
      if (this.#inFlight === 0) void this.#repairOpen()
      return
    }
    this.#isQueued = true
    this.#publisher.queueText(this.#send)
  }

  get #isRepeated(): boolean {
    return this.#isBroken && this.#repairAt === 0
  }

  get #isBlocked(): boolean {
    return this.#isClosing || this.#isRepairing || this.#refused.length > 0
  }

  readonly #send = (): void => {
    this.#isQueued = false
    if (this.#isBlocked) return
    const text = this.#takeText()
    const piece: Piece = {
      text,
      tokens: this.#tokens,
      index: this.#sentCount++,
      connectionId: this.#publisher.connectionId,
    }
    this.#tokens = 0
    this.#inFlight++
    // NOTE: handled at once: an unhandled rejection would end the process before the stream closes
    this.#publisher.append(this.#row.serial, text, this.#extras).then(
      () => this.#accepted(piece),
      (cause: unknown) => this.#refuse(piece, cause),
    )
    if (this.#text !== '') this.#queue()
  }

  /** Takes as much of the waiting text as fits one message. */
  #takeText(): string {
    const text = this.#text.length * 3 <= this.room ? this.#text : headOf(this.#text, this.room)
    this.#text = this.#text.slice(text.length)
    return text
  }

  #accepted({ index, tokens, connectionId }: Piece): void {
    if (connectionId !== this.#publisher.connectionId) this.#noteRepetition()
    this.#lastAccepted = Math.max(this.#lastAccepted, index)
    this.#pending -= tokens
    this.#settled()
  }

  #refuse(piece: Piece, cause: unknown): void {
    this.#refused.push(piece)
    if (isTooFast(cause)) this.#publisher.slowDown(cause)
    if (!isTooFast(cause) || piece.connectionId !== this.#publisher.connectionId) this.#noteGap()
    if (!isPassing(cause)) this.#failure ??= toSessionError('stream the answer', ErrorCode.StreamFailed, cause)
    this.#settled()
  }

  #noteGap(): void {
    this.#isBroken = true
    this.#repairAt = performance.now() + repairDelay
  }

  // NOTE: after a lost connection the SDK sends unconfirmed appends again, and appends have no ids
  #noteRepetition(): void {
    this.#isBroken = true
    this.#repairAt = 0
  }

  #settled(): void {
    if (--this.#inFlight > 0) return
    if (this.#refused.length > 0) this.#requeueRefused()
    if ((this.#text !== '' || this.#isRepeated) && !this.#failure) this.#queue()
    if (this.#inFlight > 0) return
    for (const resume of this.#waiting.splice(0)) resume()
  }

  /** Sends refused text again, unless later text was accepted: then the whole text has to be sent. */
  #requeueRefused(): void {
    const refused = this.#refused.splice(0).toSorted((a, b) => a.index - b.index)
    const tokens = refused.reduce((sum, piece) => sum + piece.tokens, 0)
    if (this.#lastAccepted > refused[0]!.index) this.#noteGap()
    if (this.#isBroken) {
      this.#pending -= tokens
    } else {
      this.#tokens += tokens
      this.#text = refused.map(({ text }) => text).join('') + this.#text
    }
  }

  /** Repairs the stream while it continues. */
  async #repairOpen(): Promise<void> {
    this.#isRepairing = true
    this.#inFlight++
    this.#pending -= this.#tokens
    this.#tokens = 0
    this.#text = ''
    this.#isBroken = false
    await this.#publisher.update(this.#row.serial, this.#row.data as string, this.#extras).catch(() => this.#noteGap())
    this.#isRepairing = false
    this.#settled()
  }

  async #end(extras: Extras): Promise<void> {
    while (byteLength(this.#text) > this.room)
      await this.#publisher.end(this.#row.serial, this.#takeText(), this.#extras)
    await this.#publisher.end(this.#row.serial, this.#text, extras)
  }

  async #repair(extras: Extras, codec: Headers): Promise<void> {
    try {
      await this.#publisher.update(this.#row.serial, this.#row.data as string, extras)
    } catch (cause) {
      if (this.#publisher.isShut) return
      // The text stays cut off, but the stream must not look open
      await this.#publisher
        .end(this.#row.serial, '', extrasOf(this.#transport, codec, 'cancelled'))
        .catch(() => undefined)
      throw toSessionError('repair a stream of the answer', ErrorCode.StreamRepairFailed, cause)
    }
  }

  #settledAll(): Promise<void> {
    if (this.#inFlight === 0 && (this.#isClosing || !this.#isQueued)) return Promise.resolve()
    return new Promise((resolve) => this.#waiting.push(resolve))
  }
}

/** Milliseconds until an open stream is repaired; many streams close before that. */
const repairDelay = 500

/** Share of a message that is reserved for the headers of its close. */
const closingShare = 1 / 8
const leastRoom = 256

const extrasOf = (transport: Headers, codec: Headers, status: StreamStatus): Extras =>
  outputExtras({ ...transport, [Header.status]: status }, codec)

const encoder = new TextEncoder()

/** Bytes that a text has on the wire. */
export const byteLength = (text: string): number => encoder.encode(text).length

/** The longest beginning of a text with at most `maxBytes` bytes; never ends inside a character. */
export function headOf(text: string, maxBytes: number): string {
  // NOTE: encodeInto stops before a character that does not fit, and returns how much of the text it has read
  const { read } = encoder.encodeInto(text, new Uint8Array(Math.max(0, maxBytes)))
  return text.slice(0, read)
}
