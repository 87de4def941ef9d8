import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { WebSocket } from 'ws'
import type { TestEndpoint } from '../support/local'

/** A frame as it was received, for fields that the SDK does not expose. */
export type Frame = Record<string, unknown> & { action: number }

/** A WebSocket that sends JSON frames or malformed text. */
export interface RawSocket {
  send(frame: object | string | Uint8Array): void
  /** The next frame with this action. */
  frame(action: number): Promise<Frame>
  /** All frames so far. */
  readonly frames: readonly Frame[]
  /** Resolves with the close code. */
  readonly closed: Promise<number>
}

/** Opens a WebSocket to an endpoint, closed with the endpoint. */
export async function openSocket(
  endpoint: TestEndpoint,
  params: Record<string, string> = {},
  headers: Record<string, string> = {},
): Promise<RawSocket> {
  const query = new URLSearchParams({ v: '6', format: 'json', key: endpoint.key, ...params })
  const socket = new WebSocket(`${endpoint.url.replace('http', 'ws')}/?${query}`, { headers })
  const frames: Frame[] = []
  let taken = 0
  let announce = () => {}
  socket.on('message', (data) => {
    frames.push(JSON.parse((data as Buffer).toString()) as Frame)
    announce()
  })
  const closed = new Promise<number>((resolve) => socket.once('close', resolve))
  socket.on('error', () => {})
  await once(socket, 'open')
  return {
    frames,
    closed,
    send: (frame) =>
      socket.send(typeof frame === 'string' || frame instanceof Uint8Array ? frame : JSON.stringify(frame)),
    async frame(action) {
      for (;;) {
        const at = frames.findIndex((frame, i) => i >= taken && frame.action === action)
        const found = frames[at]
        if (found) {
          taken = at + 1
          return found
        }
        await new Promise<void>((resolve) => (announce = resolve))
      }
    },
  }
}

/** A client that opens a WebSocket, attaches to a channel, and never reads. */
export async function openDeafSocket(endpoint: TestEndpoint, channel: string): Promise<Socket> {
  const socket = connect({ port: endpoint.port, host: '127.0.0.1' })
  const upgrade = ['Upgrade: websocket', 'Connection: Upgrade', 'Sec-WebSocket-Version: 13']
  const key = `Sec-WebSocket-Key: ${'A'.repeat(22)}==`
  socket.write(
    `GET /?v=6&format=json&key=${endpoint.key} HTTP/1.1\r\nHost: localhost\r\n${[...upgrade, key].join('\r\n')}\r\n\r\n`,
  )
  await once(socket, 'data')
  socket.pause()
  const attach = Buffer.from(JSON.stringify({ action: 10, channel }))
  // NOTE: a text frame in one piece, masked with zeros
  socket.write(Buffer.concat([Buffer.from([0x81, 0x80 | attach.byteLength, 0, 0, 0, 0]), attach]))
  return socket
}
