import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { UIMessageCodec } from '../../src/codec'
import { ClientSession } from '../../src/session/client-session'
import { prompt, runMessage } from '../core/wire'
import { FakeChannel, fakeAbly } from '../support/fake-ably'

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'], now: 0 }))
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

/** A device that hears a channel; `luck` decides how long it waits for others. */
async function device(channel: FakeChannel, luck: number) {
  vi.spyOn(Math, 'random').mockReturnValueOnce(luck)
  const fetch = vi.fn<typeof globalThis.fetch>(() => Promise.resolve(new Response(null, { status: 202 })))
  const session = new ClientSession({
    client: fakeAbly(channel, `device-${luck}`),
    sessionName: channel.name,
    codec: UIMessageCodec,
    agent: { url: 'http://agent.test/', fetch },
  })
  await session.connect()
  return { fetch, session }
}

it('S31 of many devices that hear a Stop of another one, the first wakes the agent of a run without presence', async () => {
  const channel = new FakeChannel()
  const [early, late] = [await device(channel, 0), await device(channel, 0.9)]
  const wire = [prompt('p'), runMessage('ai-run-start', 'r', { 'input-codec-message-id': 'p' })]
  const cancel = { ...runMessage('ai-cancel', 'r', { 'event-id': 'stop' }), clientId: 'gone' }
  for (const message of [...wire, cancel]) channel.deliver(message as Parameters<FakeChannel['deliver']>[0])
  await vi.advanceTimersByTimeAsync(59_000)
  expect(early.fetch).not.toHaveBeenCalled()
  await vi.advanceTimersByTimeAsync(30_000)
  expect(early.fetch).toHaveBeenCalledOnce()
  expect(late.fetch).not.toHaveBeenCalled()
  channel.deliver(runMessage('ai-run-end', 'r', { 'run-reason': 'cancelled' }) as Parameters<FakeChannel['deliver']>[0])
  await vi.advanceTimersByTimeAsync(60_000)
  expect(late.fetch).not.toHaveBeenCalled()
  await Promise.all([early.session.close(), late.session.close()])
})
