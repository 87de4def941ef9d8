import { once } from 'node:events'
import { WebSocket } from 'ws'
import type { TestEndpoint } from '../support/local'

/** A frame as it came, for what the SDK does not show. */
export type Frame = Record<string, unknown> & { action: number }

/** A WebSocket that speaks JSON frames, or nonsense. */
export interface RawSocket {
  send(frame: object | string | Uint8Array): void
  /** The next frame that has this action. */
  frame(action: number): Promise<Frame>
  /** Everything that came so far. */
  readonly frames: readonly Frame[]
  /** Resolves with the close code. */
  readonly closed: Promise<number>
}

/** Opens a WebSocket to an endpoint, closed when the endpoint is. */
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
