import { effectScope, watchEffect } from 'vue'
import { describe, expect, it } from 'vitest'
import { useClientSession, useConnection, useView } from '../../src'
import { bareApp } from '../support/app'
import { startConversation } from '../support/conversation'
import { eventually } from '../support/eventually'

type Capability = Record<string, string[]>

/** A page of one session; the test decides the responses of its token route. */
async function openPage(name: string, grant: { clientId: string; capability?: Capability }) {
  const scene = await startConversation(`ai:${name}`)
  const client = scene.endpoint.client(
    {},
    { key: undefined, authCallback: (_, done) => done(null, scene.endpoint.createToken(grant)) },
  )
  const woken: string[] = []
  const agent = ({ inputEventId }: { inputEventId: string }) => void woken.push(inputEventId)
  const app = bareApp({ client, agent, linger: 0 })
  const scope = effectScope()
  const page = app.runWithContext(() =>
    scope.run(() => ({ ...useClientSession(name), ...useView(), connection: useConnection() })),
  )!
  return { ...scene, client, woken, page, scope }
}

describe('useConnection', () => {
  it('shows since when the connection is lost and why, and retries on request', async () => {
    const { page, endpoint, scope } = await openPage('away', { clientId: 'reader' })
    const { state, connected, since, reason, retry } = page.connection
    const seen: string[] = []
    scope.run(() => watchEffect(() => seen.push(state.value), { flush: 'sync' }))
    await page.ready
    expect([connected.value, since.value, reason.value]).toEqual([true, undefined, undefined])
    const before = Date.now()
    const restore = endpoint.dropConnection('reader', { refuseFor: Infinity })
    await eventually(() => expect(page.status.value).toBe('reconnecting'))
    const lost = since.value!
    expect(lost).toBeGreaterThanOrEqual(before)
    expect(reason.value).toMatchObject({
      code: 80003,
      message: expect.stringMatching(/^unable to connect; /) as string,
    })
    await eventually(() => expect(seen.filter((each) => each === 'connecting').length).toBeGreaterThan(2))
    expect(since.value).toBe(lost)
    restore()
    retry()
    await eventually(() => expect(page.status.value).toBe('ready'))
    expect([connected.value, since.value, reason.value]).toEqual([true, undefined, undefined])
    scope.stop()
  })

  it('shows the first page of a session once the token route allows reading it', async () => {
    const grant: { clientId: string; capability?: Capability } = {
      clientId: 'reader',
      capability: { 'ai:other': ['*'] },
    }
    const { page, prompt, scope, client } = await openPage('later', grant)
    await prompt('q', 'Here before')
    await expect(page.ready).rejects.toMatchObject({ code: 40160 })
    expect([page.status.value, page.messages.value]).toEqual(['failed', []])
    expect(page.error.value).toMatchObject({ code: 40160 })
    grant.capability = { 'ai:later': ['*'] }
    await client.auth.authorize()
    await eventually(() => expect(page.messages.value.map(({ id }) => id)).toEqual(['q']))
    expect([page.status.value, page.error.value]).toEqual(['ready', undefined])

    grant.capability = { 'ai:other': ['*'] }
    await client.auth.authorize()
    await eventually(() => expect(page.status.value).toBe('failed'))
    scope.stop()
  })
})

it("wakes the agent for another client's prompt", async () => {
  const { page, prompt, woken, scope } = await openPage('wake', { clientId: 'reader' })
  await page.ready
  await prompt('q', 'Anybody?')
  await eventually(() => expect(page.pending.value.map(({ inputId }) => inputId)).toEqual(['q']))
  page.wake('q')
  await eventually(() => expect(page.pending.value[0]!.wake).toMatchObject({ state: 'accepted', attempts: 1 }))
  expect(woken).toEqual(['event-q'])
  expect(() => page.wake('nothing')).toThrow('nothing is pending for "nothing"')
  scope.stop()
})
