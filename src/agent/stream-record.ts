import { ErrorCode, toSessionError, type SessionError } from '../core/errors'
import type { Row } from '../core/log'
import { Header, MessageName, type Headers, type OutgoingMessage, type StreamStatus } from '../core/wire'
import { outputExtras } from './headers'
import type { Outlet } from './outlet'
import { isPassing, isTooFast } from '../ably/refusal'
import { bytesOf, headOf } from './text-size'
import { Written } from './written'

type Extras = OutgoingMessage['extras']

/** A stretch of text on its way. */
interface Piece {
  readonly text: string
  readonly tokens: number
  /** In the order of sending. */
  readonly index: number
  /** The connection that it was sent on. */
  readonly connectionId: string | undefined
}

// NOTE: bounds memory when a model is faster than the channel, and lets the process hear a cancel in between
const maxPending = 500

/**
 * One message of a streamed part: opened empty, lengthened by appends that nobody waits for, closed. What comes in while it
 * waits for its turn goes out in one append.
 */
export class StreamRecord {
  /** Waits for its turn. */
  #text = ''
  #tokens = 0
  #isQueued = false
  #sentCount = 0
  #inFlight = 0
  /** Tokens that the channel has not accepted. */
  #pending = 0
  #lastAccepted = -1
  #refused: Piece[] = []
  /** Whether something is missing in what the channel has, or there twice, so that only the whole text puts it right. */
  #hasHole = false
  /** When to put that right, unless the stream is closed before. */
  #repairAt = 0
  #isRepairing = false
  #isClosing = false
  #failure: SessionError | undefined
  readonly #waiting: (() => void)[] = []
  /** Bytes of text that fit, so that it can always be put right by one update. */
  readonly room: number

  private constructor(
    private readonly outlet: Outlet,
    private readonly transport: Headers,
    private readonly codec: Headers,
    /** The stream with all its text so far. */
    private readonly row: Row,
    /** Sent with every append as it is: the channel wants extras whole, and a token must not pay for making them. */
    private readonly extras: Extras,
  ) {
    const { maxMessageSize } = outlet
    this.room = Math.max(leastRoom, maxMessageSize * (1 - closingShare) - JSON.stringify(extras).length)
  }

  /** Opens a stream; resolves when the channel has it and appends can follow. */
  static async open(
    outlet: Outlet,
    transport: Headers,
    codec: Headers,
    written = new Written(),
  ): Promise<StreamRecord> {
    const extras = extrasOf(transport, codec, 'streaming')
    const serial = await outlet.publish({ name: MessageName.output, data: '', extras })
    return new StreamRecord(outlet, transport, codec, written.add(serial, extras.ai.transport, codec, ''), extras)
  }

  /**
   * Lengthens the stream. Answers with a promise only when so much is under way that the writer should wait, or when the
   * channel takes no more.
   */
  append(data: string): Promise<void> | undefined {
    if (data === '') return undefined
    if (this.#failure) return Promise.reject(this.#failure)
    this.#add(data)
    this.#queue()
    return this.#pending < maxPending ? undefined : this.#settledAll()
  }

  /**
   * Ends the stream once all appends are settled. If something is missing then, one update puts the whole text right.
   * @throws {@link SessionError} 104000 when the channel refuses that
   */
  async close(status: Exclude<StreamStatus, 'streaming'>, codec = this.codec, data = ''): Promise<void> {
    if (data !== '') this.#add(data)
    this.#isClosing = true
    await this.#settledAll()
    const extras = extrasOf(this.transport, codec, status)
    this.row.transport = extras.ai.transport
    this.row.codec = codec
    const { connectionId } = this.outlet
    if (!this.#hasHole) await this.#end(extras).catch(() => (this.#hasHole = true))
    if (connectionId !== this.outlet.connectionId) this.#hasHole = true
    if (this.#hasHole) await this.#repair(extras, codec)
  }

  #add(data: string): void {
    this.row.data = `${this.row.data as string}${data}`
    this.#text += data
    this.#tokens++
    this.#pending++
  }

  #queue(): void {
    if (this.#isQueued || this.#isBlocked) return
    if (this.#hasHole && performance.now() >= this.#repairAt) {
      if (this.#inFlight === 0) void this.#fill()
      return
    }
    this.#isQueued = true
    this.outlet.turn(this.#send)
  }

  get #isDoubled(): boolean {
    return this.#hasHole && this.#repairAt === 0
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
      connectionId: this.outlet.connectionId,
    }
    this.#tokens = 0
    this.#inFlight++
    // NOTE: a refusal is handled here at once; left alone it would end the process before the stream closes
    this.outlet.append(this.row.serial, text, this.extras).then(
      () => this.#accepted(piece),
      (cause: unknown) => this.#refuse(piece, cause),
    )
    if (this.#text !== '') this.#queue()
  }

  /** As much of what waits as one message takes. */
  #takeText(): string {
    const text = this.#text.length * 3 <= this.room ? this.#text : headOf(this.#text, this.room)
    this.#text = this.#text.slice(text.length)
    return text
  }

  #accepted({ index, tokens, connectionId }: Piece): void {
    if (connectionId !== this.outlet.connectionId) this.#double()
    this.#lastAccepted = Math.max(this.#lastAccepted, index)
    this.#pending -= tokens
    this.#settled()
  }

  #refuse(piece: Piece, cause: unknown): void {
    this.#refused.push(piece)
    if (isTooFast(cause)) this.outlet.slowDown(cause)
    if (!isTooFast(cause) || piece.connectionId !== this.outlet.connectionId) this.#miss()
    if (!isPassing(cause)) this.#failure ??= toSessionError('stream the answer', ErrorCode.StreamFailed, cause)
    this.#settled()
  }

  #miss(): void {
    this.#hasHole = true
    this.#repairAt = performance.now() + repairDelay
  }

  // NOTE: the SDK sends what was under way on a lost connection again on a new one, and appends have no ids
  #double(): void {
    this.#hasHole = true
    this.#repairAt = 0
  }

  #settled(): void {
    if (--this.#inFlight > 0) return
    if (this.#refused.length > 0) this.#sortOut()
    if ((this.#text !== '' || this.#isDoubled) && !this.#failure) this.#queue()
    if (this.#inFlight > 0) return
    for (const resume of this.#waiting.splice(0)) resume()
  }

  /** What was refused goes out again, unless something behind it was accepted: then the whole text has to be sent. */
  #sortOut(): void {
    const refused = this.#refused.splice(0).toSorted((a, b) => a.index - b.index)
    const tokens = refused.reduce((sum, piece) => sum + piece.tokens, 0)
    if (this.#lastAccepted > refused[0]!.index) this.#miss()
    if (this.#hasHole) {
      this.#pending -= tokens
    } else {
      this.#tokens += tokens
      this.#text = refused.map(({ text }) => text).join('') + this.#text
    }
  }

  /** Puts right what is there while the stream goes on. */
  async #fill(): Promise<void> {
    this.#isRepairing = true
    this.#inFlight++
    this.#pending -= this.#tokens
    this.#tokens = 0
    this.#text = ''
    this.#hasHole = false
    await this.outlet.update(this.row.serial, this.row.data as string, this.extras).catch(() => this.#miss())
    this.#isRepairing = false
    this.#settled()
  }

  async #end(extras: Extras): Promise<void> {
    while (bytesOf(this.#text) > this.room) await this.outlet.end(this.row.serial, this.#takeText(), this.extras)
    await this.outlet.end(this.row.serial, this.#text, extras)
  }

  async #repair(extras: Extras, codec: Headers): Promise<void> {
    try {
      await this.outlet.update(this.row.serial, this.row.data as string, extras)
    } catch (cause) {
      if (this.outlet.isShut) return
      // What is there stays cut off, but it must not look as if more were to come
      await this.outlet.end(this.row.serial, '', extrasOf(this.transport, codec, 'cancelled')).catch(() => undefined)
      throw toSessionError('repair a stream of the answer', ErrorCode.StreamRepairFailed, cause)
    }
  }

  #settledAll(): Promise<void> {
    if (this.#inFlight === 0 && (this.#isClosing || !this.#isQueued)) return Promise.resolve()
    return new Promise((resolve) => this.#waiting.push(resolve))
  }
}

/** Milliseconds until a hole is filled in a stream that goes on; many streams are closed before. */
const repairDelay = 500

/** Part of a message that is left to what its end may say besides. */
const closingShare = 1 / 8
const leastRoom = 256

const extrasOf = (transport: Headers, codec: Headers, status: StreamStatus): Extras =>
  outputExtras({ ...transport, [Header.status]: status }, codec)
