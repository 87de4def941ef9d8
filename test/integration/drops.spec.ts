import * as Ably from 'ably'
import { onTestFinished, describe, expect, it } from 'vitest'
import { createClientSession, UIMessageCodec, type ClientSession, type SessionError } from '../../src'
import type { UIMessage } from 'ai'
import { startConversation } from '../support/conversation'
import { eventually } from '../support/eventually'
import { inState } from '../support/local'
import { shown, startScene, statuses } from '../support/scene'

/**
 * Clients of an endpoint that forgets lost connections soon: they are suspended soon, and get new connections.
 */
const shortMemory = { limits: { connectionStateTtl: 300 } }
const eager: Ably.ClientOptions = { suspendedRetryTimeout: 50 }

const statesOf = (session: ClientSession<UIMessage>): string[] => {
  const states: string[] = []
  session.on('status', (status) => states.push(status))
  return states
}

describe('a client that loses its connection during a reply', () => {
  it('S33 S34 S35 S36 misses no part of it if it reconnects soon', async () => {
    const { open, model, endpoint } = await startScene('drop-short')
    const session = await open('alice')
    const states = statesOf(session)
    const kept = await session.view.send('Kept?')
    const ended = await session.view.send('Ended?')
    const [keptCall, endedCall] = [await model.callFor('Kept?'), await model.callFor('Ended?')]
    keptCall.say('one ')
    endedCall.say('uno ')
    await eventually(() => expect(shown(session).filter((line) => line.startsWith('streaming: '))).toHaveLength(2))

    const restore = endpoint.dropConnection('alice', { refuseFor: Infinity })
    await eventually(() => expect(session.status).toBe('reconnecting'))
    keptCall.say('two ', 'three ')
    endedCall.say('due')
    endedCall.finish()
    const watcher = await open('watcher')
    await eventually(() => expect(shown(watcher)).toContain('complete: uno due'))
    expect(keptCall.signal!.aborted).toBe(false)
    expect(statuses(session)).toEqual(['active', 'active'])
    restore()

    expect(await ended.finished).toEqual({ reason: 'complete' })
    keptCall.say('four')
    keptCall.finish()
    expect(await kept.finished).toEqual({ reason: 'complete' })
    const replies = ['complete: one two three four', 'complete: uno due']
    expect(shown(session).filter((line) => line.startsWith('complete'))).toEqual(replies)
    expect(states).toEqual(['reconnecting', 'ready'])
  })

  it.each(['a new connection', 'lost continuity', 'a suspended channel'])(
    'S33 S34 S35 S36 reads the missed part from history after %s',
    async (how) => {
      const scene = await startScene(
        `drop-${how.replaceAll(' ', '-')}`,
        {},
        how === 'a suspended channel' ? shortMemory : {},
      )
      const { open, model, endpoint, channelName } = scene
      const client = endpoint.client({ clientId: 'alice' }, eager)
      const session = await open('alice', { client })
      const watcher = await open('watcher')
      const states = statesOf(session)
      const kept = await session.view.send('Kept?')
      const ended = await session.view.send('Ended?')
      const stopped = await session.view.send('Stopped?')
      const calls = await Promise.all(['Kept?', 'Ended?', 'Stopped?'].map((question) => model.callFor(question)))
      const [keptCall, endedCall] = [calls[0]!, calls[1]!]
      for (const call of calls) call.say('one ')
      await eventually(() => expect(shown(session).filter((line) => line === 'streaming: one ')).toHaveLength(3))

      const restore = endpoint.dropConnection('alice', { refuseFor: Infinity })
      await eventually(() => expect(session.status).toBe('reconnecting'))
      keptCall.say('two ')
      endedCall.say('due')
      endedCall.finish()
      await watcher.cancel(watcher.view.runs().find(({ inputId }) => inputId === stopped.inputId)!.runId)
      await watcher.view.send('Meanwhile?')
      const meanwhile = await model.callFor('Meanwhile?')
      meanwhile.say('yes')
      meanwhile.finish()
      await eventually(() => expect(statuses(watcher)).toEqual(['active', 'complete', 'cancelled', 'complete']))
      if (how === 'a new connection') endpoint.refuseResume()
      if (how !== 'a new connection') endpoint.breakContinuity(channelName)
      if (how === 'a suspended channel') {
        await inState(client, 'suspended')
      }
      restore()
      keptCall.say('three ')

      expect(await ended.finished).toEqual({ reason: 'complete' })
      expect(await stopped.finished).toEqual({ reason: 'cancelled' })
      expect(kept.status).toBe('active')
      keptCall.say('four')
      keptCall.finish()
      expect(await kept.finished).toEqual({ reason: 'complete' })
      await eventually(() => expect(shown(session)).toEqual(shown(watcher)))
      expect(shown(session)).toContain('complete: one two three four')
      expect(shown(session)).toContain('complete: yes')
      expect(statuses(session)).toEqual(['complete', 'complete', 'cancelled', 'complete'])
      await eventually(() => expect(session.status).toBe('ready'))
      expect(states.includes('repairing')).toBe(how !== 'a new connection')
      expect(states).not.toContain('gap')
      expect(session.error).toBeUndefined()
    },
  )
})

describe('missed messages', () => {
  const openSession = async (name: string, options: { historyPageSize?: number; client?: Ably.ClientOptions } = {}) => {
    const scene = await startConversation(`ai:${name}`)
    const client = scene.endpoint.client({ clientId: 'traveller' }, options.client)
    const { historyPageSize } = options
    const session = createClientSession({ client, channelName: `ai:${name}`, codec: UIMessageCodec, historyPageSize })
    onTestFinished(() => session.close())
    await session.connect()
    await session.view.loadOlder(100)
    return { ...scene, client, session }
  }

  it('are read although the first page of history was on its way when the connection was lost', async () => {
    const scene = await startConversation('ai:lost-while-loading')
    await scene.prompt('a', 'a')
    const client = scene.endpoint.client({ clientId: 'traveller' })
    const session = createClientSession({ client, channelName: 'ai:lost-while-loading', codec: UIMessageCodec })
    onTestFinished(() => session.close())
    await session.connect()
    const channel = client.channels.get('ai:lost-while-loading')
    const answered = Promise.withResolvers<void>()
    const arrival = Promise.withResolvers<void>()
    const read = channel.history.bind(channel)
    channel.history = async (params) => {
      channel.history = read
      const page = await read(params!)
      answered.resolve()
      await arrival.promise
      return page
    }
    const loading = session.view.loadOlder(100)
    await answered.promise
    const restore = scene.endpoint.dropConnection('traveller', { refuseFor: Infinity })
    await eventually(() => expect(session.status).toBe('reconnecting'))
    await scene.prompt('b', 'b')
    scene.endpoint.breakContinuity('ai:lost-while-loading')
    restore()
    await eventually(() => expect(session.status).toBe('ready'))
    arrival.resolve()
    await loading
    expect(shown(session)).toEqual(['sent: a', 'sent: b'])
  })

  it('are read from history across a second loss during the first repair', async () => {
    const { session, prompt, endpoint, client } = await openSession('twice-lost', { historyPageSize: 1 })
    await prompt('a', 'a')
    await eventually(() => expect(shown(session)).toEqual(['sent: a']))
    const restore = endpoint.dropConnection('traveller', { refuseFor: Infinity })
    const missed = Array.from({ length: 100 }, (_, index) => `missed-${index}`)
    for (const id of missed) await prompt(id, id)
    endpoint.breakContinuity('ai:twice-lost')
    await eventually(() => expect(session.status).toBe('reconnecting'))
    // The newest missed messages are read, and the oldest are on their way
    const fiveRead = Promise.withResolvers<void>()
    const arrival = Promise.withResolvers<void>()
    const channel = client.channels.get('ai:twice-lost')
    const read = channel.history.bind(channel)
    const held = (page: Ably.PaginatedResult<Ably.InboundMessage>, count: number) => {
      const next = page.next.bind(page)
      page.next = async () => {
        if (count === 5) {
          fiveRead.resolve()
          await arrival.promise
        }
        const more = await next()
        return more && held(more, count + 1)
      }
      return page
    }
    channel.history = async (params) => {
      channel.history = read
      return held(await read(params!), 1)
    }
    restore()
    await fiveRead.promise
    expect(session.status).toBe('repairing')
    endpoint.breakContinuity('ai:twice-lost')
    await prompt('g', 'g')
    endpoint.dropConnection('traveller')
    await prompt('h', 'h')
    arrival.resolve()
    await eventually(() => expect(shown(session)).toEqual(['a', ...missed, 'g', 'h'].map((id) => `sent: ${id}`)))
    await eventually(() => expect(session.status).toBe('ready'))
  })

  it('leave a gap if history no longer reaches them; known messages stay and new ones arrive', async () => {
    const scene = await startScene('gap', {}, { limits: { maxChannelMessages: 3 } })
    const session = await scene.open('alice', { wake: false })
    const writer = await scene.open('bob', { wake: false })
    await writer.view.send('first')
    await eventually(() => expect(shown(session)).toEqual(['sent: first']))
    const restore = scene.endpoint.dropConnection('alice', { refuseFor: Infinity })
    await eventually(() => expect(session.status).toBe('reconnecting'))
    for (let index = 0; index < 6; index++) await writer.view.send(`missed ${index}`)
    scene.endpoint.breakContinuity(scene.channelName)
    restore()
    await eventually(() => expect(session.status).toBe('gap'))
    const seen = ['sent: first', 'sent: missed 3', 'sent: missed 4', 'sent: missed 5']
    expect(shown(session)).toEqual(seen)
    await writer.view.send('after')
    await eventually(() => expect(shown(session)).toEqual([...seen, 'sent: after']))
    await session.view.send('mine')
    await eventually(() => expect(shown(writer).at(-1)).toBe('sent: mine'))
  })

  it('are read again after history could not be read', async () => {
    let capability: Record<string, string[]> = { '*': ['subscribe', 'publish', 'history'] }
    const scene = await startConversation('ai:no-history')
    const client = scene.endpoint.client(
      {},
      {
        key: undefined,
        authCallback: (_, done) => done(null, scene.endpoint.createToken({ clientId: 'traveller', capability })),
      },
    )
    const session = createClientSession({ client, channelName: 'ai:no-history', codec: UIMessageCodec })
    onTestFinished(() => session.close())
    const errors: SessionError[] = []
    session.on('error', (error) => errors.push(error))
    await session.connect()
    await scene.prompt('a', 'a')
    await eventually(() => expect(shown(session)).toEqual(['sent: a']))
    const restore = scene.endpoint.dropConnection('traveller', { refuseFor: Infinity })
    await eventually(() => expect(session.status).toBe('reconnecting'))
    await scene.prompt('b', 'b')
    capability = { '*': ['subscribe', 'publish'] }
    scene.endpoint.expireToken('traveller')
    scene.endpoint.breakContinuity('ai:no-history')
    restore()
    await eventually(() => expect(session.status).toBe('gap'))
    expect(errors.map(({ code }) => code)).toEqual([40160])
    expect(session.error!.message).toMatch(/^unable to read the history of channel "ai:no-history"; .*Grant subscribe/)
    await scene.prompt('c', 'c')
    await eventually(() => expect(shown(session)).toEqual(['sent: a', 'sent: c']))
    capability = { '*': ['subscribe', 'publish', 'history'] }
    await client.auth.authorize()
    await eventually(() => expect(session.status).toBe('ready'))
    expect(shown(session)).toEqual(['sent: a', 'sent: b', 'sent: c'])
    expect(session.error).toBeUndefined()
  })

  it('arrive after the channel was refused, once the token is renewed and connect() is called', async () => {
    let capability: Record<string, string[]> = { 'ai:failed': ['*'] }
    const scene = await startConversation('ai:failed')
    const client = scene.endpoint.client(
      {},
      {
        key: undefined,
        authCallback: (_, done) => done(null, scene.endpoint.createToken({ clientId: 'guest', capability })),
      },
    )
    const session = createClientSession({ client, channelName: 'ai:failed', codec: UIMessageCodec })
    onTestFinished(() => session.close())
    await session.connect()
    await scene.prompt('a', 'a')
    await eventually(() => expect(shown(session)).toEqual(['sent: a']))
    const lose = async () => {
      capability = { 'ai:other': ['*'] }
      await client.auth.authorize()
      await eventually(() => expect(session.status).toBe('failed'))
      expect(session.error).toMatchObject({ code: 40160 })
    }
    await lose()
    await scene.prompt('b', 'b')
    capability = { 'ai:failed': ['*'] }
    await client.auth.authorize()
    await eventually(() => expect(shown(session)).toEqual(['sent: a', 'sent: b']))
    await eventually(() => expect(session.status).toBe('ready'))

    await lose()
    await expect(session.connect()).rejects.toMatchObject({ code: 40160 })
    expect(session.status).toBe('failed')
    await scene.prompt('c', 'c')
    // The client gets its new token at some later time without an event, so the session is asked to check
    capability = { 'ai:failed': ['*'] }
    void client.auth.authorize()
    await session.connect().catch(() => undefined)
    await eventually(() => expect(shown(session)).toEqual(['sent: a', 'sent: b', 'sent: c']))
  })

  it.each(['never connected', 'suspended'] as const)(
    'a session waits for the network, and attaches once it is connected: %s',
    async (how) => {
      const scene = await startScene(`offline-${how.slice(0, 5)}`, {}, shortMemory)
      const client = scene.endpoint.client({ clientId: 'traveller' }, eager)
      if (how === 'suspended') await inState(client, 'connected')
      const restore = scene.endpoint.dropConnection('traveller', { refuseFor: Infinity })
      if (how === 'suspended') await inState(client, 'suspended')
      const session = createClientSession({ client, channelName: scene.channelName, codec: UIMessageCodec })
      onTestFinished(() => session.close())
      const errors: SessionError[] = []
      session.on('error', (error) => errors.push(error))
      let isConnected = false
      const connected = session.connect().then(() => (isConnected = true))
      const sent = session.view.send('When it is back')
      await new Promise((resolve) => setTimeout(resolve, 200))
      expect([session.status, isConnected, shown(session)]).toEqual(['connecting', false, ['pending: When it is back']])
      restore()
      await Promise.all([connected, sent])
      expect([session.status, errors]).toEqual(['ready', []])
      await eventually(() => expect(shown(session)).toEqual(['sent: When it is back']))
    },
  )

  it('a session stops waiting for the network when it is closed', async () => {
    const scene = await startScene('offline-closed', {}, shortMemory)
    const client = scene.endpoint.client({ clientId: 'traveller' }, eager)
    await inState(client, 'connected')
    scene.endpoint.dropConnection('traveller', { refuseFor: Infinity })
    await inState(client, 'suspended')
    const session = createClientSession({ client, channelName: scene.channelName, codec: UIMessageCodec })
    const connected = session.connect()
    const [refusal] = await Promise.allSettled([connected, session.close()])
    expect(refusal).toMatchObject({ status: 'rejected', reason: { code: 104004 } })
    expect(session.status).toBe('closed')
  })
})
