import { expect, it } from 'vitest'
import { UIMessageCodec } from '../../src/codec'
import { createClientSession } from '../../src/store/create-client-session'
import { fakeAbly, FakeChannel } from '../support/fake-ably'

const sessionOn = (modes: readonly string[] | undefined) => {
  const channel = Object.assign(new FakeChannel(), { modes })
  return createClientSession({ client: fakeAbly(channel), sessionName: channel.name, codec: UIMessageCodec })
}

const given = [{ modes: undefined }, { modes: [] }, { modes: ['publish', 'subscribe'] }]

it.each(given)('a session uses a channel that may do $modes', async ({ modes }) => {
  const session = sessionOn(modes)
  await session.connect()
  expect(session.status).toBe('ready')
  await session.close()
})

it('a session refuses a channel that may only publish, and names what it lacks', async () => {
  const session = sessionOn(['publish'])
  await expect(session.connect()).rejects.toMatchObject({ code: 40160 })
  await session.close()
})
