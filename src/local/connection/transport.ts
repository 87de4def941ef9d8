import { WebSocket, type RawData } from 'ws'
import { encode, decode, type Format } from '../wire/format'
import type { Limits } from '../limits'
import { Action, readFrame, type ClientFrame, type ServerFrame } from '../wire/protocol'

/** How to talk to a client. */
export interface TransportOptions {
  format: Format
  /** Whether to break silence with HEARTBEAT frames, as browsers need, or with WebSocket pings. */
  heartbeats: boolean
  limits: Limits
}

/** Events of a transport. */
export interface TransportHandlers {
  onFrame(frame: ClientFrame): void
  onClose(): void
}

/** One WebSocket: frames in, frames out, and a heartbeat when it is idle. */
export class Transport {
  readonly format: Format
  readonly #socket: WebSocket
  readonly #limits: Limits
  readonly #idleTimer: NodeJS.Timeout
  #isQuiet = true
  #frozen?: Uint8Array[]

  constructor(socket: WebSocket, { format, heartbeats, limits }: TransportOptions) {
    this.format = format
    this.#socket = socket
    this.#limits = limits
    this.#idleTimer = setInterval(() => this.#breakSilence(heartbeats), limits.maxIdleInterval / 2)
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
    let frame: ClientFrame | undefined
    try {
      frame = readFrame(decode(this.format, toBytes(data)))
    } catch {
      this.end()
    }
    if (frame) onFrame(frame)
  }

  #breakSilence(heartbeats: boolean) {
    if (this.#frozen) return
    if (this.#isQuiet && heartbeats) this.sendFrame({ action: Action.Heartbeat })
    else if (this.#isQuiet && this.isOpen) this.#socket.ping()
    this.#isQuiet = true
  }
}

function toBytes(data: RawData): Uint8Array {
  if (Array.isArray(data)) return Buffer.concat(data)
  return data instanceof ArrayBuffer ? new Uint8Array(data) : data
}
