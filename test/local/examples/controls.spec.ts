import * as Ably from 'ably'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createLocalEndpoint, type LocalEndpoint } from 'vue-ai-transport/local'

let endpoint: LocalEndpoint
let bob: Ably.Realtime
let channel: Ably.RealtimeChannel
let received: unknown[]

beforeEach(async () => {
  endpoint = await createLocalEndpoint()
  bob = new Ably.Realtime({ ...endpoint.clientOptions({ clientId: 'bob' }), disconnectedRetryTimeout: 50, logLevel: 0 })
  channel = bob.channels.get('ai:trip')
  received = []
  await channel.subscribe(({ data }) => void received.push(data))
})
afterEach(async () => {
  bob.close()
  await endpoint.close()
})

/** Publishes from another client. */
const publish = (data: string) => new Ably.Rest(endpoint.clientOptions()).channels.get('ai:trip').publish('word', data)

test('dropConnection: the client receives messages from the tunnel afterwards', async () => {
  const leaveTunnel = endpoint.dropConnection('bob', { refuseFor: Infinity })
  await bob.connection.whenState('disconnected')
  await publish('hello')
  leaveTunnel()
  await expect.poll(() => received).toEqual(['hello'])
})

test('freeze: no message arrives while the network hangs', async () => {
  const thaw = endpoint.freeze('bob')
  await publish('hello')
  expect(received).toEqual([])
  thaw()
  await expect.poll(() => received).toEqual(['hello'])
})

test('disturb: the client receives each message twice', async () => {
  const restore = endpoint.disturb('bob', 'duplicate')
  await publish('hello')
  await expect.poll(() => received).toEqual(['hello', 'hello'])
  restore()
})

test('refuseResume: the client reconnects with a new connection', async () => {
  const { id } = bob.connection
  endpoint.refuseResume()
  endpoint.dropConnection('bob')
  await expect.poll(() => bob.connection.errorReason?.code).toBe(80_018)
  expect(bob.connection.id).not.toBe(id)
})

test('breakContinuity: the channel reports that it may have missed messages', async () => {
  const update = channel.once('update')
  endpoint.breakContinuity('ai:trip')
  expect(await update).toMatchObject({ resumed: false, reason: { code: 90_003 } })
})

test('delayPublish: a message is delayed', async () => {
  const release = endpoint.delayPublish({ clientId: 'bob', name: 'word' })
  const published = channel.publish('word', 'hello')
  await bob.connection.ping()
  expect(received).toEqual([])
  release()
  await published
  await expect.poll(() => received).toEqual(['hello'])
})

test('refusePublish: a publish fails once, with an error of your choice', async () => {
  endpoint.refusePublish({ channel: 'ai:trip' }, { times: 1, error: { code: 42_911, statusCode: 429 } })
  await expect(channel.publish('word', 'hello')).rejects.toMatchObject({ code: 42_911 })
  await channel.publish('word', 'hello again')
})

test('loseAck: a message is sent twice and published once', async () => {
  endpoint.loseAck({ clientId: 'bob' })
  await channel.publish('word', 'hello')
  expect((await channel.history()).items).toHaveLength(1)
})

test('expireToken: the client renews its token', async () => {
  const { token } = await bob.auth.authorize()
  endpoint.expireToken('bob')
  await bob.connection.once('disconnected')
  await bob.connection.whenState('connected')
  expect((await bob.auth.authorize()).token).not.toBe(token)
})
