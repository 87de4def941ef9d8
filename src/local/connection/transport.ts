import { WebSocket, type RawData } from 'ws'
import { encode, decode, type Format } from '../wire/format'
import type { Limits } from '../limits'
import { Action, readFrame, type ClientFrame, type ServerFrame } from '../wire/protocol'

/** How to talk to a client. */
interface TransportOptions {
  format: Format
  /** Whether to break silence with HEARTBEAT frames, as browsers need, or with WebSocket pings. */
  heartbeats: boolean
  limits: Limits
}

/** Events of a transport. */
interface TransportHandlers {
  onFrame(frame: ClientFrame): void
  onClose(): void
}

/** How many pings in a row a client may leave unanswered, until it counts as gone: its process may be frozen. */
const maxUnanswered = 3

/** One WebSocket: frames in, frames out, and a heartbeat when it is idle. A client that answers no pings is cut off. */
export class Transport {
  readonly format: Format
  readonly #socket: WebSocket
  readonly #limits: Limits
  readonly #idleTimer: NodeJS.Timeout
  #isQuiet = true
  /** Pings since the client was last heard. */
  #unanswered = 0
  #frozen?: Uint8Array[]

  constructor(socket: WebSocket, { format, heartbeats, limits }: TransportOptions) {
    this.format = format
    this.#socket = socket
    this.#limits = limits
    this.#idleTimer = setInterval(() => this.#breakSilence(heartbeats), limits.maxIdleInterval / 2)
    socket.on('pong', () => (this.#unanswered = 0))
    socket.once('close', () => clearInterval(this.#idleTimer))
  }

  /** Whether the socket is open. */
  get isOpen() {
    return this.#socket.readyState === WebSocket.OPEN
  }

  /** Starts to forward frames. */
  listen({ onFrame, onClose }: TransportHandlers) {
    this.#socket.on('message', (data) => this.#read(data, onFrame))
    if (this.isOpen) this.#socket.once('close', onClose)
    else onClose()
  }

  /** Sends an encoded frame. A receiver that does not keep up is cut off. */
  send(frame: Uint8Array) {
    if (!this.isOpen) return
    this.#isQuiet = false
    if (this.#waiting > this.#limits.maxBufferedBytes) this.cut()
    else if (this.#frozen) this.#frozen.push(frame)
    else this.#socket.send(frame, { binary: this.format === 'msgpack' })
  }

  /** Encodes and sends a frame. */
  sendFrame(frame: ServerFrame) {
    if (this.isOpen) this.send(encode(this.format, frame))
  }

  /**
   * Holds back all frames in both directions, with the socket open.
   * @returns a function that releases them
   */
  freeze(): () => void {
    this.#frozen ??= []
    this.#socket.pause()
    return () => {
      const frames = this.#frozen ?? []
      this.#frozen = undefined
      for (const frame of frames) this.send(frame)
      this.#socket.resume()
    }
  }

  /** Closes the socket after the frames that were sent. */
  end() {
    this.#socket.close()
  }

  /** Cuts the socket without a close frame. */
  cut() {
    this.#socket.terminate()
  }

  /** Size of the frames that have not left yet, in bytes. */
  get #waiting(): number {
    const frozen = this.#frozen?.reduce((sum, frame) => sum + frame.byteLength, 0) ?? 0
    return frozen + this.#socket.bufferedAmount
  }

  #read(data: RawData, onFrame: (frame: ClientFrame) => void) {
    this.#unanswered = 0
    let frame: ClientFrame | undefined
    try {
      frame = readFrame(decode(this.format, toBytes(data)))
    } catch {
      this.end()
    }
    if (frame) onFrame(frame)
  }

  #breakSilence(heartbeats: boolean) {
    if (this.#frozen || !this.isOpen) return
    if (this.#unanswered >= maxUnanswered) return this.cut()
    if (this.#isQuiet && heartbeats) this.sendFrame({ action: Action.Heartbeat })
    this.#socket.ping()
    this.#unanswered++
    this.#isQuiet = true
  }
}

function toBytes(data: RawData): Uint8Array {
  if (Array.isArray(data)) return Buffer.concat(data)
  return data instanceof ArrayBuffer ? new Uint8Array(data) : data
}
