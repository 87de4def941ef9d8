import * as Ably from 'ably'
import { createClientSession, UIMessageCodec } from '../../../src'

/** Writes a prompt on a board, which no agent answers. */
export async function say(options: Ably.ClientOptions, board: string, text: string): Promise<void> {
  const client = new Ably.Realtime({ ...options, clientId: 'writer' })
  const session = createClientSession({ client, sessionName: `ai:board-${board}`, codec: UIMessageCodec })
  await session.connect()
  await session.view.loadUntil(() => false)
  await session.view.send(text, { wake: false })
  await session.close()
  client.close()
}
