import type { InboundMessage } from 'ably'
import { expect, it } from 'vitest'
import { UIMessageCodec } from '../../src/codec'
import { createClientSession } from '../../src/store/create-client-session'
import { prompt } from '../core/wire'
import { FakeChannel, fakeAbly } from '../support/fake-ably'

type Change = { current: string; resumed: boolean }

/** A channel whose state the test changes. */
class ChangingChannel extends FakeChannel {
  readonly #changed = new Set<(change: Change) => void>()

  override on(listener?: (change: Change) => void): void {
    if (listener) this.#changed.add(listener)
  }

  change(current: string): void {
    Object.assign(this, { state: current })
    for (const listener of this.#changed) listener({ current, resumed: false })
  }
}

it('a session whose channel is back without continuity is not ready before it has read what it missed', async () => {
  const past = [prompt('p')]
  const channel = new ChangingChannel((from, to) => past.toReversed().slice(from, to) as InboundMessage[])
  const session = createClientSession({ client: fakeAbly(channel), sessionName: channel.name, codec: UIMessageCodec })
  await session.connect()
  await session.view.loadOlder()
  const seen: string[] = []
  const back = new Promise<void>((resolve) => {
    session.on('status', (status) => {
      seen.push(status)
      if (status === 'ready') resolve()
    })
  })
  channel.change('suspended')
  past.push(prompt('q', { parent: 'p' }))
  channel.change('attached')
  await back
  expect(seen).toEqual(['reconnecting', 'repairing', 'ready'])
  expect(session.view.getMessages().map(({ id }) => id)).toEqual(['p', 'q'])
  await session.close()
})
