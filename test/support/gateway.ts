import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import type { TestEndpoint } from './local'

/** Actions of Ably's protocol. */
export const Action = { heartbeat: 0, attached: 11, message: 15 } as const

interface Frame {
  readonly action: number
  readonly channel?: string
}

/** What a gateway can hold back: frames of the service, and requests of the client by their path. */
type Fits = (what: { readonly frame?: Frame; readonly path?: string }) => boolean

/** A gateway between one client and the endpoint: it notes the frames of the client, and holds back what a test names. */
export interface Gateway {
  /** Options for the client: it must use JSON. */
  readonly options: { port: number; tlsPort: number; useBinaryProtocol: false }
  /** All frames of the client so far. */
  readonly sent: readonly Frame[]
  /** Holds back what fits, until the returned function is called. */
  hold(fits: Fits): Hold
}

export interface Hold {
  (): void
  /** Resolves when something is held back. */
  readonly isHolding: Promise<void>
}

export async function startGateway(endpoint: TestEndpoint): Promise<Gateway> {
  const service = new URL(endpoint.url)
  const sent: Frame[] = []
  const holds = new Set<{ fits: Fits; held: (() => void)[]; noteHeld: () => void }>()
  const pass = (what: Parameters<Fits>[0], send: () => void): void => {
    const hold = [...holds].find(({ fits }) => fits(what))
    if (!hold) return send()
    hold.held.push(send)
    hold.noteHeld()
  }

  const forward = (incoming: IncomingMessage, response: ServerResponse): void => {
    const { method, headers, url: path = '/' } = incoming
    const outgoing = request({ host: service.hostname, port: service.port, method, headers, path }, (answer) => {
      response.writeHead(answer.statusCode!, answer.headers)
      answer.pipe(response)
    })
    outgoing.on('error', () => response.destroy())

    pass({ path }, () => incoming.pipe(outgoing))
  }
  const server = createServer(forward)
  const sockets = new WebSocketServer({ server })
  sockets.on('connection', (client, { url = '/' }) => {
    const upstream = new WebSocket(`ws://${service.host}${url}`)
    const isOpen = new Promise<void>((resolve) => upstream.once('open', resolve))
    client.on('message', async (data) => {
      sent.push(JSON.parse((data as Buffer).toString()) as Frame)
      await isOpen
      upstream.send((data as Buffer).toString())
    })
    upstream.on('message', (data) => {
      const text = (data as Buffer).toString()
      pass({ frame: JSON.parse(text) as Frame }, () => client.send(text))
    })
    client.on('close', () => upstream.terminate())
    upstream.on('close', () => client.terminate())
    upstream.on('error', () => client.terminate())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    for (const client of sockets.clients) client.terminate()
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return {
    options: { port, tlsPort: port, useBinaryProtocol: false },
    sent,
    hold(fits) {
      let noteHeld = () => {}
      const isHolding = new Promise<void>((resolve) => (noteHeld = resolve))
      const hold = { fits, held: [] as (() => void)[], noteHeld }
      holds.add(hold)
      const release = () => {
        holds.delete(hold)
        for (const send of hold.held.splice(0)) send()
      }
      return Object.assign(release, { isHolding })
    },
  }
}
