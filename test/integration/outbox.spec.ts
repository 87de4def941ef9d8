import type * as Ably from 'ably'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createClientSession, UIMessageCodec, type SessionError } from '../../src'
import { named, transportOf, type WireClient } from '../support/agent'
import { eventually } from '../support/eventually'
import { inState } from '../support/local'
import { shown, startScene, type Scene } from '../support/scene'

const shortMemory = { limits: { connectionStateTtl: 200 } }
const eager: Ably.ClientOptions = { suspendedRetryTimeout: 50 }

/** The inputs of clients, in the order of the channel: prompts by text, cancels by target. */
const saidOn = ({ heard }: WireClient): string[] =>
  heard.flatMap((message) => {
    const { 'run-id': runId, 'input-codec-message-id': inputId } = transportOf(message)
    if (message.name === 'ai-input') return [String(message.data)]
    return message.name === 'ai-cancel' ? [`cancel ${runId ?? inputId}`] : []
  })

const offline = async ({ endpoint }: Scene, client: Ably.Realtime, state: Ably.ConnectionState) => {
  const restore = endpoint.dropConnection('alice', { refuseFor: Infinity })
  await inState(client, state)
  return restore
}

describe('a prompt sent while the network is down', () => {
  it.each(['disconnected', 'suspended'] as const)(
    'is pending, and is published in order and once after a %s connection returns',
    async (state) => {
      const scene = await startScene(`outbox-${state}`, {}, state === 'suspended' ? shortMemory : {})
      const client = scene.endpoint.client({ clientId: 'alice' }, eager)
      const session = await scene.open('alice', { client })
      const wire = await scene.wire()
      const running = await session.view.send('Running?')
      const call = await scene.model.callFor('Running?')
      call.say('one ')
      await eventually(() => expect(shown(session).at(-1)).toBe('streaming: one '))
      const restore = await offline(scene, client, state)

      const steer = running.steer('By the way')
      const stopped = running.cancel()
      const first = session.view.send('First?')
      const second = session.view.send('Second?')
      const secondId = session.view.getMessages().at(-1)!.id
      const taken = session.cancel({ inputId: secondId })
      expect(shown(session).slice(2)).toEqual(['pending: First?', 'pending: Second?'])
      expect(session.view.run(running.runId)!.cancelling).toMatchObject({ by: 'alice', pending: true })
      const pending = session.view.pending()
      expect(pending.map(({ inputId, cancelling }) => [inputId === secondId, cancelling?.pending])).toEqual([
        [false, undefined],
        [true, true],
      ])
      await new Promise((resolve) => setTimeout(resolve, 100))
      expect(saidOn(wire)).toEqual(['Running?'])
      restore()

      await Promise.all([steer.published, stopped, taken])
      const [firstRun, secondRun] = await Promise.all([first, second])
      expect(await running.finished).toEqual({ reason: 'cancelled' })
      expect(await secondRun.finished).toEqual({ reason: 'cancelled' })
      const firstCall = await scene.model.callFor('First?')
      firstCall.say('yes')
      firstCall.finish()
      expect(await firstRun.finished).toEqual({ reason: 'complete' })
      expect(saidOn(wire)).toEqual([
        'Running?',
        'By the way',
        `cancel ${running.inputId}`,
        'First?',
        'Second?',
        `cancel ${secondId}`,
      ])
      await eventually(() => expect(session.view.pending()).toEqual([]))
      expect(session.view.run(running.runId)!.cancelledBy).toMatchObject({ by: 'alice' })
      expect(session.view.run(running.runId)!.cancelling).toBeUndefined()
    },
  )

  it('is published once if the SDK had sent it and the connection was lost for good before the acknowledgement', async () => {
    const scene = await startScene('unacknowledged', {}, shortMemory)
    const client = scene.endpoint.client({ clientId: 'alice' }, eager)
    const session = await scene.open('alice', { client, wake: false })
    const wire = await scene.wire()
    scene.endpoint.loseAck({ clientId: 'alice' })
    let restore = () => {}
    client.connection.once('disconnected', () => {
      restore = scene.endpoint.dropConnection(({ clientId }) => clientId === 'alice', { refuseFor: Infinity })
    })
    const sent = session.view.send('Did it arrive?')
    const next = session.view.send('And this?')
    await inState(client, 'suspended')
    expect(saidOn(wire)).toContain('Did it arrive?')
    restore()
    await Promise.all([sent, next])
    await wire.hears((message) => message.data === 'And this?')
    expect(saidOn(wire)).toEqual(['Did it arrive?', 'And this?'])
    await eventually(() => expect(shown(session)).toEqual(['sent: Did it arrive?', 'sent: And this?']))
  })

  it('is not published if another tab has published it under its id meanwhile, and Ably has forgotten that id', async () => {
    const scene = await startScene('other-tab', {}, shortMemory)
    const client = scene.endpoint.client({ clientId: 'alice' }, eager)
    const session = await scene.open('alice', { client })
    await session.view.send('Before?', { wake: false })
    const wire = await scene.wire()
    const restore = await offline(scene, client, 'suspended')
    const sent = session.view.send('Queued?', { id: 'queued' })
    const after = session.view.send('After?')
    // NOTE: without the id that Ably would discard
    await wire.prompt('Queued?', { 'codec-message-id': 'queued', 'event-id': 'queued-sent' })
    scene.endpoint.breakContinuity(scene.channelName)
    restore()
    const run = await sent
    const call = await scene.model.callFor('Queued?')
    call.finish()
    expect(await run.finished).toEqual({ reason: 'complete' })
    await after
    await wire.hears((message) => message.data === 'After?')
    expect(saidOn(wire)).toEqual(['Queued?', 'After?'])
  })

  it('waits while its channel is suspended, and rejects if the channel fails', async () => {
    const scene = await startScene('refused-channel')
    let capability: Record<string, string[]> = { '*': ['*'] }
    const client = scene.endpoint.client(
      {},
      {
        key: undefined,
        authCallback: (_, done) => done(null, scene.endpoint.createToken({ clientId: 'alice', capability })),
      },
    )
    const session = await scene.open('alice', { client, wake: false })
    capability = { 'ai:elsewhere': ['*'] }
    await client.auth.authorize()
    await eventually(() => expect(session.status).toBe('failed'))
    await expect(session.view.send('Hello?')).rejects.toMatchObject({ code: 40160 })
    expect(shown(session)).toEqual(['failed: Hello?'])
    capability = { '*': ['*'] }
    await client.auth.authorize()
    await eventually(() => expect(session.status).toBe('ready'))
    await session.view.retry(session.view.getMessages()[0]!.id)
    await eventually(() => expect(shown(session)).toEqual(['sent: Hello?']))
  })

  it('rejects if the session is closed', async () => {
    const scene = await startScene('closed-outbox')
    const client = scene.endpoint.client({ clientId: 'alice' })
    const session = await scene.open('alice', { client, wake: false })
    const other = await scene.open('alice', { client, wake: false })
    await offline(scene, client, 'disconnected')
    await session.close()
    await expect(session.cancel('run')).rejects.toMatchObject({ code: 104004 })
    await expect(session.view.send('x')).rejects.toMatchObject({ code: 104004 })
    expect(other.status).toBe('reconnecting')
  })

  it('rejects at once if the session is closed while the SDK keeps it for the network', async () => {
    const scene = await startScene('closed-offline')
    const client = scene.endpoint.client({ clientId: 'alice' })
    const session = await scene.open('alice', { client, wake: false })
    await offline(scene, client, 'disconnected')
    const sent = session.view.send('x')
    await eventually(() => expect(session.view.getMessages()).toMatchObject([{ state: 'pending' }]))
    const left = session.close()
    await expect(sent).rejects.toMatchObject({ code: 104004 })
    await left
    expect(client.connection.state).not.toBe('connected')
  })
})

describe('a publish that the channel refuses', () => {
  const refusals = [
    { why: 'a token without `publish`', code: 40160, statusCode: 401, says: /capability/ },
    { why: 'a message that is too large', code: 40009, statusCode: 400, says: /too large/ },
    {
      why: 'a channel rule that is disabled',
      code: 93002,
      statusCode: 400,
      says: /Channel rules in the Ably dashboard/,
    },
    { why: 'a client id of another user', code: 40012, statusCode: 400, says: /clientId/ },
  ]
  it.each(refusals)(
    'stays with its reason, and later prompts are published: $why',
    async ({ code, statusCode, says }) => {
      const scene = await startScene(`refusal-${code}`)
      const session = await scene.open('alice', { wake: false })
      const wire = await scene.wire()
      const message = code === 40009 ? 'message too large' : 'clientId mismatch'
      scene.endpoint.refusePublish({ name: 'ai-input' }, { times: 1, error: { code, statusCode, message } })
      const [refused, later] = await Promise.allSettled([session.view.send('Refused'), session.view.send('Later')])
      expect(refused.status).toBe('rejected')
      const error = (refused as PromiseRejectedResult).reason as SessionError
      expect(error.message).toMatch(/^unable to send the prompt; /)
      expect(error.message).toMatch(says)
      expect(later.status).toBe('fulfilled')
      expect(shown(session).toSorted()).toEqual(['failed: Refused', 'sent: Later'])
      const failed = session.view.getMessages().find(({ state }) => state === 'failed')!
      expect(failed.error).toMatchObject({ message: error.message, code: error.code })

      await session.view.retry(failed.id)
      await wire.hears((heard) => heard.data === 'Refused')
      expect(saidOn(wire)).toEqual(['Later', 'Refused'])
      await eventually(() => expect(shown(session)).toEqual(['sent: Later', 'sent: Refused']))
    },
  )

  it.each([42_911, 42_913])('for the rate (%d) is published again, once, without an error', async (code) => {
    const scene = await startScene(`rate-${code}`)
    const session = await scene.open('alice', { wake: false })
    const wire = await scene.wire()
    scene.endpoint.refusePublish({ name: 'ai-input' }, { times: 1, error: { code, statusCode: 429 } })
    const refused = session.view.send('Refused')
    await eventually(() => expect(shown(session)).toEqual(['pending: Refused']))
    await Promise.all([refused, session.view.send('Later')])
    await eventually(() => expect(saidOn(wire).toSorted()).toEqual(['Later', 'Refused']))
    expect(shown(session)).toEqual(['sent: Refused', 'sent: Later'])
    expect(session.error).toBeUndefined()
  })

  it('for the rate loses no Stop that was pressed meanwhile', async () => {
    const scene = await startScene('refused-then-stopped')
    const session = await scene.open('alice')
    const wire = await scene.wire()
    const error = { code: 42911, statusCode: 429 }
    scene.endpoint.refusePublish({ name: 'ai-input' }, { error, times: 1 })
    const sending = session.view.send('Plan a trip')
    const { inputId } = session.view.pending()[0]!
    await session.cancel({ inputId })
    const run = await sending
    expect(await run.finished).toEqual({ reason: 'cancelled' })
    const said = saidOn(wire)
    expect(said.lastIndexOf(`cancel ${inputId}`)).toBeGreaterThan(said.indexOf('Plan a trip'))
  })

  it('is reported with its size for a prompt of 70 kB, which can be discarded', async () => {
    const scene = await startScene('large')
    const session = await scene.open('alice', { wake: false })
    await expect(session.view.send('x'.repeat(70_000))).rejects.toThrow(/^unable to send the prompt; .*(size|large)/)
    session.view.discard(session.view.getMessages()[0]!.id)
    await session.view.send('Short')
    await eventually(() => expect(shown(session)).toEqual(['sent: Short']))
  })

  it("is reported for a real token without `publish`, while other users' messages still arrive", async () => {
    const scene = await startScene('reader')
    const client = scene.endpoint.client({ clientId: 'reader', capability: { '*': ['subscribe', 'history'] } })
    const reader = await scene.open('reader', { client, wake: false })
    const writer = await scene.open('alice', { wake: false })
    await expect(reader.view.send('May I?')).rejects.toMatchObject({
      code: 40160,
      message: expect.stringContaining('Grant subscribe, publish and history') as string,
    })
    await expect(reader.cancel('run-1')).rejects.toMatchObject({ code: 40160 })
    await writer.view.send('Hello')
    await eventually(() => expect(shown(reader)).toContain('sent: Hello'))
    expect(reader.status).toBe('ready')
  })

  it('succeeds after an expired token was renewed, without an error', async () => {
    const scene = await startScene('expired')
    const session = await scene.open('alice', { wake: false })
    const errors: SessionError[] = []
    session.on('error', (error) => errors.push(error))
    scene.endpoint.expireToken('alice')
    await session.view.send('Still here?')
    await eventually(() => expect(shown(session)).toEqual(['sent: Still here?']))
    await eventually(() => expect(session.status).toBe('ready'))
    expect(errors).toEqual([])
  })

  it('is reported for a client id that the token does not allow, and works with the right one', async () => {
    const scene = await startScene('client-id')
    let clientId = 'mallory'
    const client = scene.endpoint.client(
      {},
      {
        key: undefined,
        clientId: 'alice',
        authCallback: (_, done) => done(null, scene.endpoint.createToken({ clientId })),
      },
    )
    const session = createClientSession({ client, channelName: scene.channelName, codec: UIMessageCodec })
    onTestFinished(() => session.close())
    await expect(session.connect()).rejects.toThrow(/^unable to .*client.?id/i)
    expect(session.status).toBe('failed')
    expect(session.error!.message).toMatch(/client.?id/i)
    await expect(session.view.send('Hello?')).rejects.toThrow(/client.?id/i)
    clientId = 'alice'
    await client.auth.authorize()
    await eventually(() => expect(session.status).toBe('ready'))
    await session.view.retry(session.view.getMessages()[0]!.id)
    await eventually(() => expect(shown(session)).toEqual(['sent: Hello?']))
    const wire = await scene.wire()
    expect(wire.heard.filter(named('ai-input'))).toEqual([])
  })
})
