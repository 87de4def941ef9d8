import { expect, it, vi } from 'vitest'
import type { InboundMessage } from 'ably'
import { createClientSession, dehydrateSession, UIMessageCodec } from '../../src'
import type { ChannelMessage } from '../../src/core/wire'
import { prompt } from '../core/wire'
import { historyOf } from '../support/channel-table'
import { eventually } from '../support/eventually'
import { FakeChannel, fakeAbly } from '../support/fake-ably'
import { Listener } from '../support/listener'

/** A message of another library, which throws when it is read. */
const broken = {
  get name(): string {
    throw new Error('broken')
  },
}

it('a message that cannot be taken in loses no other message that was held back during a repair', async () => {
  const past: readonly ChannelMessage[] = [prompt('a')]
  const { session: earlier, view } = await Listener.on(historyOf(past))
  await view.loadOlder(1)
  const rows = dehydrateSession(earlier)
  await earlier.close()

  const live = [broken, prompt('b', { parent: 'a' })] as unknown as InboundMessage[]
  const channel: FakeChannel = new FakeChannel((from, to) => {
    for (const message of live.splice(0)) channel.deliver(message)
    return historyOf(past).slice(from, to) as InboundMessage[]
  })
  const session = createClientSession({
    client: fakeAbly(channel),
    sessionName: channel.name,
    codec: UIMessageCodec,
    rows,
    flush: 'sync',
  })
  const errors = vi.fn<(error: Error) => void>()
  session.on('error', errors)
  await session.connect()
  await eventually(() => expect(session.view.getMessages().map(({ id }) => id)).toEqual(['a', 'b']))
  expect(errors.mock.calls).toMatchObject([[{ cause: { message: 'broken' } }]])
  await session.close()
})
