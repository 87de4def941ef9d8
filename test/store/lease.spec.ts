import { createPinia } from 'pinia'
import { expect, it } from 'vitest'
import { deferred } from '../../src/core/signals'
import { LeasedSession } from '../../src/store/lease'
import { aSession, refusal, soon } from '../support/told-session'

/** A session without users whose prompt is on its way. */
async function aLeftSession() {
  const { session, view, refuse } = await aSession()
  const options = { pinia: createPinia(), linger: 0, openIdle: () => session, onEnd: () => undefined }
  const leased = new LeasedSession('chat', session, options)
  const fate = deferred<never>()
  refuse('ai-input', () => fate.promise)
  const sent = view.send('x')
  leased.lease().release()
  await soon()
  const refuseIt = async (): Promise<void> => {
    fate.reject(refusal)
    await expect(sent).rejects.toThrow('too large')
  }
  return { session, leased, options, refuseIt }
}

it('a session without users ends once the channel has refused its prompt', async () => {
  const { session, refuseIt } = await aLeftSession()
  expect(session.status).toBe('ready')
  await refuseIt()
  await expect.poll(() => session.status).toBe('closed')
})

it('a session that was kept for a prompt lingers after its next user, also once the prompt was refused', async () => {
  const { session, leased, options, refuseIt } = await aLeftSession()
  const { release } = leased.lease()
  await soon()
  options.linger = 60_000
  release()
  await refuseIt()
  await soon()
  expect(session.status).toBe('ready')
})
