import type * as Ably from 'ably'
import { expect, it, onTestFinished } from 'vitest'
import { createClientSession, UIMessageCodec } from '../../src'
import type { TokenOptions } from '../../src/local'
import { signJwt } from '../contract/jwt'
import { eventually } from '../support/eventually'
import { failure } from '../support/local'
import { shown, startScene, statuses, type Scene } from '../support/scene'

/** A client with one token of alice and no way to get another. */
function withToken(
  { endpoint, channelName }: Scene,
  options: TokenOptions = {},
  more: Ably.ClientOptions = {},
): Ably.Realtime {
  const capability = { [channelName]: ['subscribe', 'publish', 'history'] }
  const { token } = endpoint.createToken({ clientId: 'alice', capability, ...options })
  return endpoint.client({}, { key: undefined, token, ...more })
}

it('an expired token is renewed without an error, and no message is missed', async () => {
  const { open, endpoint, model } = await startScene('renewed')
  const session = await open('alice')
  const run = await session.view.send('Count')
  const call = await model.call(0)
  call.say('One')
  await eventually(() => expect(shown(session).at(-1)).toBe('streaming: One'))
  endpoint.expireToken('alice')
  call.say(' two')
  call.finish()
  expect(await run.finished).toEqual({ reason: 'complete' })
  expect(shown(session)).toEqual(['sent: Count', 'complete: One two'])
  expect(session.error).toBeUndefined()
})

it.each(['an Ably token', 'a JWT'])(
  '%s that expires while the device sleeps is renewed before older messages are read',
  async (kind) => {
    const scene = await startScene('asleep')
    const bob = await scene.open('bob', { wake: false })
    for (const text of ['One', 'Two', 'Three', 'Four']) await bob.view.send(text, { wake: false })
    const [kid, secret] = scene.endpoint.key.split(':') as [string, string]
    const claims = { 'x-ably-clientId': 'alice', 'x-ably-capability': '{"*":["*"]}' }
    const tokenFor = (ttl: number) =>
      kind === 'a JWT'
        ? signJwt({ kid, secret, claims, ttl })
        : scene.endpoint.createToken({ clientId: 'alice', ttl: ttl * 1000 })
    const tokens = [await tokenFor(1), await tokenFor(60)]
    let issued = 0
    const authCallback: Ably.AuthOptions['authCallback'] = (_, done) => done(null, tokens[Math.min(issued++, 1)]!)
    const client = scene.endpoint.client({}, { key: undefined, authCallback })
    const { channelName } = scene
    const session = createClientSession({ client, channelName, codec: UIMessageCodec, historyPageSize: 2 })
    onTestFinished(() => session.close())
    await session.connect()
    await session.view.loadOlder(2)
    const thaw = scene.endpoint.freeze('alice')
    // NOTE: the life of the first token
    await new Promise((resolve) => setTimeout(resolve, 1100))
    const loaded = session.view.loadOlder(2)
    await eventually(() => expect(issued).toBe(2))
    thaw()
    await loaded
    expect(shown(session)).toEqual(['One', 'Two', 'Three', 'Four'].map((text) => `sent: ${text}`))
    expect(issued).toBeLessThan(10)
  },
)

it('a device whose clock is ahead asks for one more token, and not for one with each page of older messages', async () => {
  const scene = await startScene('ahead')
  const bob = await scene.open('bob', { wake: false })
  for (const text of ['One', 'Two', 'Three', 'Four', 'Five', 'Six']) await bob.view.send(text, { wake: false })
  let issued = 0
  const authCallback: Ably.AuthOptions['authCallback'] = (_, done) => {
    issued++
    done(null, { ...scene.endpoint.createToken({ clientId: 'alice' }), expires: Date.now() - 1000 })
  }
  const client = scene.endpoint.client({}, { key: undefined, authCallback })
  const { channelName } = scene
  const session = createClientSession({ client, channelName, codec: UIMessageCodec, historyPageSize: 2 })
  onTestFinished(() => session.close())
  await session.connect()
  while (session.view.hasOlder()) await session.view.loadOlder(2)
  expect(shown(session)).toHaveLength(6)
  expect(issued).toBe(2)
})

it('an expired token that cannot be renewed keeps the messages and shows a clear error; the run continues', async () => {
  const scene = await startScene('expired')
  const session = await scene.open('alice', { client: withToken(scene) })
  const bob = await scene.open('bob')
  const run = await session.view.send('Count')
  const call = await scene.model.call(0)
  call.say('One')
  await eventually(() => expect(shown(session).at(-1)).toBe('streaming: One'))
  scene.endpoint.expireToken('alice')
  await eventually(() => expect(session.status).toBe('failed'))
  expect(session.error!.message).toMatch(/^unable to stay on the channel; .*no authUrl, authCallback/)
  expect(await failure(session.view.send('And?'))).toMatchObject({
    message: expect.stringMatching(/authUrl/) as string,
  })
  expect(shown(session)).toEqual(['sent: Count', 'streaming: One', 'failed: And?'])
  call.say(' two')
  call.finish()
  await eventually(() => expect(shown(bob)).toEqual(['sent: Count', 'complete: One two']))
  expect(statuses(bob)).toEqual(['complete'])
  expect(run.runId).toBe(bob.view.runs()[0]!.runId)
})

it('a token without subscribe cannot connect, and the error names the missing capability', async () => {
  const scene = await startScene('deaf')
  const capability = { [scene.channelName]: ['publish', 'history'] }
  const refused = await failure(scene.open('alice', { client: withToken(scene, { capability }) }))
  expect(refused.message).toBe(
    `unable to attach to channel "${scene.channelName}"; the token lacks a capability: subscribe. Grant subscribe, publish and history on channel "${scene.channelName}", or on "ai:*"`,
  )
  expect(refused).toMatchObject({ code: 40160 })
})

it('a token without subscribe publishes no waiting prompt, and its session is not ready, not even for a moment', async () => {
  const scene = await startScene('publisher')
  const wire = await scene.wire()
  const capability = { [scene.channelName]: ['publish', 'history'] }
  const client = withToken(scene, { capability })
  const session = createClientSession({ client, channelName: scene.channelName, codec: UIMessageCodec })
  onTestFinished(() => session.close())
  const seen = [session.status as string]
  session.on('status', (status) => seen.push(status))
  expect(await failure(session.view.send('Hello'))).toMatchObject({ code: 40160 })
  expect(seen).not.toContain('ready')
  expect(session.status).toBe('failed')
  expect(wire.heard).toEqual([])
})

it('a session whose newer token lacks subscribe fails at the next attach, and reads what it missed when a later token has it again', async () => {
  const scene = await startScene('weaker')
  const tokenWith = (...rights: string[]) =>
    scene.endpoint.createToken({ clientId: 'alice', capability: { [scene.channelName]: rights } })
  const tokens = [
    tokenWith('publish', 'subscribe', 'history'),
    tokenWith('publish', 'history'),
    tokenWith('publish', 'subscribe', 'history'),
  ]
  const authCallback: Ably.AuthOptions['authCallback'] = (_, done) => done(null, tokens.shift() ?? null)
  const client = scene.endpoint.client({}, { key: undefined, authCallback })
  const session = await scene.open('alice', { client })
  const bob = await scene.open('bob')
  await client.auth.authorize()
  scene.endpoint.breakContinuity(scene.channelName)
  await eventually(() => expect(session.status).toBe('failed'))
  expect(session.error).toMatchObject({ code: 40160, message: expect.stringMatching(/lacks a capability: subscribe/) })
  await bob.view.send('Do you hear me?', { wake: false })
  expect(shown(session)).toEqual([])
  await client.auth.authorize()
  // NOTE: the new rights of the channel come after the answer to the token, and the SDK tells nobody about them
  await eventually(() => session.connect())
  await eventually(() => expect(shown(session)).toEqual(['sent: Do you hear me?']))
})

it('a token without publish shows the prompt as failed, names the missing capability, and still reads', async () => {
  const scene = await startScene('reader')
  const capability = { [scene.channelName]: ['subscribe', 'history'] }
  const session = await scene.open('alice', { client: withToken(scene, { capability }) })
  const refused = await failure(session.view.send('Hello'))
  expect(refused).toMatchObject({ code: 40160 })
  expect(refused.message).toBe(
    `unable to send the prompt; the token lacks a capability: ${(refused.cause as Error).message}. Grant subscribe, publish and history on channel "${scene.channelName}", or on "ai:*"`,
  )
  expect(session.view.getMessages()).toMatchObject([{ state: 'failed', error: { message: refused.message } }])
  expect(await failure(session.cancel('r'))).toMatchObject({ code: 40160 })
  expect(session.status).toBe('ready')
  const bob = await scene.open('bob')
  await bob.view.send('Hi', { wake: false })
  await eventually(() => expect(shown(session)).toEqual(['sent: Hi', 'failed: Hello']))
})

it('a token for another client id is reported as a client id mismatch', async () => {
  const scene = await startScene('somebody')
  const opening = scene.open('bob', { client: withToken(scene, {}, { clientId: 'bob' }) })
  const refused = await failure(opening)
  expect(refused.message).toMatch(
    /unable to attach to channel "ai:somebody"; .*clientId differs from that of the token/,
  )
})
