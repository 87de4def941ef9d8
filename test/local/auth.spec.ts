import * as Ably from 'ably'
import { SignJWT } from 'jose'
import { describe, expect, test } from 'vitest'
import { failure, formats, inState, nextState, openInbox, startEndpoint, type TestEndpoint } from '../support/local'
import { openSocket } from './raw-socket'

const secretOf = (endpoint: TestEndpoint) => new TextEncoder().encode(endpoint.key.split(':')[1])
const keyNameOf = (endpoint: TestEndpoint) => endpoint.key.split(':')[0]!

const jwt = async (
  endpoint: TestEndpoint,
  claims: Record<string, unknown> = {},
  { exp = '1h', secret = secretOf(endpoint) } = {},
) =>
  await new SignJWT(claims)
    .setProtectedHeader({ alg: 'HS256', kid: keyNameOf(endpoint) })
    .setIssuedAt()
    .setExpirationTime(exp)
    .sign(secret)

describe.each(formats)('credentials in $format', ({ useBinaryProtocol }) => {
  const binary = { useBinaryProtocol, logLevel: 0 }

  /** The address options of the endpoint, without credentials. */
  const placeOf = (endpoint: TestEndpoint) => ({ ...endpoint.clientOptions(), ...binary, key: undefined })

  async function refusal(endpoint: TestEndpoint, options: Ably.ClientOptions) {
    const { key: _, ...place } = placeOf(endpoint)
    const client = new Ably.Realtime({ ...place, ...options })
    const { reason } = await nextState(client, 'failed')
    client.close()
    const rest = await failure(new Ably.Rest({ ...place, ...options }).channels.get('ai:x').history())
    return [reason?.code, reason?.statusCode, rest.code, rest.statusCode]
  }

  test('have a different error for each mistake', async () => {
    const endpoint = await startEndpoint()
    const name = keyNameOf(endpoint)
    expect(await refusal(endpoint, { key: `${name}:wrong` })).toEqual([40_101, 401, 40_101, 401])
    expect(await refusal(endpoint, { key: 'other.key:secret' })).toEqual([40_101, 401, 40_101, 401])
    expect(await refusal(endpoint, { key: 'local.nobody:secret' })).toEqual([40_400, 401, 40_400, 401])
    expect(await refusal(endpoint, { token: 'nonsense' })).toEqual([40_005, 400, 40_005, 400])
  })

  test("of a token allow only the token's client id", async () => {
    const endpoint = await startEndpoint()
    const client = endpoint.client({ clientId: 'bob' }, binary)
    await inState(client, 'connected')
    expect(client.auth.clientId).toBe('bob')
    const channel = client.channels.get('ai:x')
    const inbox = await openInbox(channel)
    await channel.publish('n', 'x')
    expect((await inbox.take(1))[0]?.clientId).toBe('bob')
    const { token } = endpoint.createToken({ clientId: 'bob' })
    expect(await refusal(endpoint, { token, clientId: 'eve' })).toEqual([40_102, 401, 40_102, 401])
  })

  test('of a token for any client id let each message name one', async () => {
    const endpoint = await startEndpoint()
    const inbox = await openInbox(endpoint.client({}, binary).channels.get('ai:x'))
    const anyone = endpoint.client({ clientId: '*' }, binary).channels.get('ai:x')
    await anyone.publish({ clientId: 'eve', data: 'x' })
    await endpoint.client({}, binary).channels.get('ai:x').publish({ clientId: 'bob', data: 'x' })
    expect((await inbox.take(2)).map(({ clientId }) => clientId)).toEqual(['eve', 'bob'])
  })

  test('of a token without a client id allow none', async () => {
    const endpoint = await startEndpoint()
    const anonymous = endpoint.client({ ttl: 60_000 }, binary).channels.get('ai:x')
    expect((await anonymous.publish('n', 'x')).serials).toHaveLength(1)
    expect(await failure(anonymous.publish({ clientId: 'bob', data: 'x' }))).toMatchObject({ code: 40_012 })
    expect((await anonymous.publish('n', 'x')).serials).toHaveLength(1)
  })

  test('allow exactly the operations of their capability', async () => {
    const endpoint = await startEndpoint()
    const capability = { 'ai:own': ['subscribe', 'publish'], 'ai:read:*': ['subscribe', 'history'] }
    const client = endpoint.client({ clientId: 'bob', capability }, binary)
    const names = ['ai:own', 'ai:read:1', 'ai:other', 'ai:another']
    const [own, read, other, another] = names.map((name) => client.channels.get(name))
    const { serials } = await own!.publish('n', 'x')
    await read!.attach()
    expect(read!.modes).toEqual(expect.not.arrayContaining(['publish', 'presence']))
    const denied = { code: 40_160, statusCode: 401 }
    expect(await failure(other!.attach())).toMatchObject(denied)
    expect(await failure(another!.publish('n', 'x'))).toMatchObject(denied)
    expect(await failure(own!.history())).toMatchObject(denied)
    expect(await failure(own!.appendMessage({ serial: serials[0]!, data: 'y' }))).toMatchObject(denied)
    expect((await read!.history()).items).toEqual([])
    expect(client.connection.state).toBe('connected')
  })

  test('can allow changes of own messages only', async () => {
    const endpoint = await startEndpoint()
    const channel = 'ai:x'
    const { serials } = await endpoint.client({ clientId: 'eve' }, binary).channels.get(channel).publish('n', 'x')
    const capability = { '*': ['publish', 'message-update-own', 'message-delete-own'] }
    const own = endpoint.client({ clientId: 'bob', capability }, binary).channels.get(channel)
    const { serials: mine } = await own.publish('n', 'x')
    expect((await own.appendMessage({ serial: mine[0]!, data: 'y' })).versionSerial).toBeTruthy()
    expect((await own.deleteMessage({ serial: mine[0]! })).versionSerial).toBeTruthy()
    expect(await failure(own.appendMessage({ serial: serials[0]!, data: 'y' }))).toMatchObject({ code: 40_160 })
  })

  test('can be a signed token request', async () => {
    const endpoint = await startEndpoint()
    const server = endpoint.rest({}, binary)
    const capability = JSON.stringify({ 'ai:x': ['subscribe', 'publish'], 'ai:*': ['subscribe'] })
    const params: Ably.TokenParams = { clientId: 'bob', ttl: 60_000, capability }
    const details: Ably.TokenDetails = await server.auth.requestToken(params)
    expect(details).toMatchObject({
      clientId: 'bob',
      capability: '{"ai:*":["subscribe"],"ai:x":["publish","subscribe"]}',
    })
    expect(details.expires - details.issued).toBe(60_000)
    const request: Ably.TokenRequest = await server.auth.createTokenRequest(params)
    const client = endpoint.client({}, { ...placeOf(endpoint), authCallback: (_, done) => done(null, request) })
    await inState(client, 'connected')
    expect(client.auth.clientId).toBe('bob')
  })

  test('can be a JWT', async () => {
    const endpoint = await startEndpoint()
    const capability = JSON.stringify({ 'ai:*': ['publish'] })
    const token = await jwt(endpoint, { 'x-ably-clientId': 'bob', 'x-ably-capability': capability })
    const { key: _, ...place } = placeOf(endpoint)
    const client = endpoint.client({}, { ...place, key: undefined, authCallback: (__, done) => done(null, token) })
    await client.channels.get('ai:x').publish('n', 'x')
    expect(client.auth.clientId).toBe('bob')
    expect(await failure(client.channels.get('chat').publish('n', 'x'))).toMatchObject({ code: 40_160 })
    const rest = new Ably.Rest({ ...place, token })
    expect((await rest.channels.get('ai:x').publish('n', 'x')).serials).toHaveLength(1)
  })

  test('are renewed when they expire, without losing the connection', async () => {
    const endpoint = await startEndpoint()
    const client = endpoint.client({ clientId: 'bob', ttl: 200 }, binary)
    const inbox = await openInbox(client.channels.get('ai:x'))
    const { id } = client.connection
    const { reason } = await nextState(client, 'disconnected')
    expect(reason).toMatchObject({ code: 40_142, statusCode: 401 })
    await endpoint.rest({}, binary).channels.get('ai:x').publish('n', 'meanwhile')
    expect((await inbox.take(1))[0]?.data).toBe('meanwhile')
    expect(client.connection.id).toBe(id)
  })

  test('that expire and cannot be renewed end the connection', async () => {
    const endpoint = await startEndpoint()
    const { token } = endpoint.createToken({ clientId: 'bob', ttl: 200 })
    const { key: _, ...place } = placeOf(endpoint)
    const client = new Ably.Realtime({ ...place, token })
    expect((await nextState(client, 'failed')).reason).toMatchObject({ code: 40_171 })
    client.close()
  })

  test('can be replaced in place', async () => {
    const endpoint = await startEndpoint()
    const capability = { 'ai:a': ['subscribe'], 'ai:b': ['subscribe', 'publish'] }
    let issued = endpoint.createToken({ clientId: 'bob', capability })
    const { key: _, ...place } = placeOf(endpoint)
    const client = endpoint.client({}, { ...place, key: undefined, authCallback: (__, done) => done(null, issued) })
    const [a, b] = [client.channels.get('ai:a'), client.channels.get('ai:b')]
    await Promise.all([a.attach(), b.attach()])
    const { id } = client.connection
    const failed = new Promise<Ably.ChannelStateChange>((resolve) => a.once('failed', resolve))
    issued = endpoint.createToken({ clientId: 'bob', capability: { 'ai:b': ['subscribe'] } })
    await client.auth.authorize()
    expect((await failed).reason).toMatchObject({ code: 40_160 })
    await client.connection.ping()
    expect([b.state, b.modes, client.connection.id]).toEqual(['attached', ['subscribe', 'presence_subscribe'], id])
  })

  test('cannot be replaced by those of another client', async () => {
    const endpoint = await startEndpoint()
    const client = endpoint.client({ clientId: 'bob' }, binary)
    await inState(client, 'connected')
    const socket = await openSocket(endpoint, {
      key: '',
      access_token: endpoint.createToken({ clientId: 'bob' }).token,
    })
    await socket.frame(4)
    socket.send({ action: 17, auth: { accessToken: endpoint.createToken({ clientId: 'eve' }).token } })
    expect(await socket.frame(9)).toMatchObject({ error: { code: 40_102 } })
    await socket.closed
  })

  test('issued before a restart are replaced by new ones', async () => {
    const before = await startEndpoint()
    const endpoint = await startEndpoint()
    const tokens = [before.createToken({ clientId: 'bob' }), endpoint.createToken({ clientId: 'bob' })]
    const { key: _, ...place } = placeOf(endpoint)
    const client = endpoint.client(
      {},
      { ...place, key: undefined, authCallback: (__, done) => done(null, tokens.shift()!) },
    )
    await inState(client, 'connected')
    expect(tokens).toEqual([])
  })
})

test('the endpoint requests a new token half a minute before the old one expires', async () => {
  const endpoint = await startEndpoint()
  const { token } = endpoint.createToken({ clientId: 'bob', ttl: 31_000 })
  const socket = await openSocket(endpoint, { key: '', access_token: token })
  const connected = await socket.frame(4)
  expect(await socket.frame(17)).toEqual({ action: 17 })
  const { token: accessToken } = endpoint.createToken({ clientId: 'bob' })
  socket.send({ action: 17, auth: { accessToken } })
  expect((await socket.frame(4)).connectionId).toBe(connected.connectionId)
})

describe('a JWT', () => {
  const refusal = async (endpoint: TestEndpoint, token: string) => {
    const socket = await openSocket(endpoint, { key: '', access_token: token })
    const { error } = (await socket.frame(9)) as { error?: { code: number; statusCode: number } }
    return [error?.code, error?.statusCode]
  }

  test('must be signed with the key, current and well formed', async () => {
    const endpoint = await startEndpoint()
    const secret = new TextEncoder().encode('wrong')
    expect(await refusal(endpoint, await jwt(endpoint, {}, { secret }))).toEqual([40_144, 401])
    expect(await refusal(endpoint, await jwt(endpoint, {}, { exp: '-1s' }))).toEqual([40_142, 401])
    const capability = { 'ai:*': ['publish'] }
    expect(await refusal(endpoint, await jwt(endpoint, { 'x-ably-capability': capability }))).toEqual([40_144, 401])
    expect(await refusal(endpoint, await jwt(endpoint, { 'x-ably-clientId': '' }))).toEqual([40_144, 401])
  })

  test('must name a known key', async () => {
    const endpoint = await startEndpoint()
    const header = { alg: 'HS256', kid: 'local.nobody' }
    const token = await new SignJWT().setProtectedHeader(header).setExpirationTime('1h').sign(secretOf(endpoint))
    expect(await refusal(endpoint, token)).toEqual([40_400, 404])
  })
})

describe('token requests', () => {
  const post = async (endpoint: TestEndpoint, body: object, headers = {}) => {
    const init = {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json', ...headers },
    }
    const response = await fetch(`${endpoint.url}/keys/${keyNameOf(endpoint)}/requestToken`, init)
    const json = (await response.json()) as { error?: { code: number }; issued?: number; capability?: string }
    return { status: response.status, code: json.error?.code, ...json }
  }
  const signed = (endpoint: TestEndpoint, params: object = {}) => endpoint.rest().auth.createTokenRequest(params)

  test('can be used once', async () => {
    const endpoint = await startEndpoint()
    const request = await signed(endpoint)
    expect(await post(endpoint, request)).toMatchObject({ status: 201, issued: expect.any(Number) })
    expect(await post(endpoint, request)).toMatchObject({ status: 401, code: 40_105 })
  })

  test('must be signed, new and within the limits', async () => {
    const endpoint = await startEndpoint()
    const request = await signed(endpoint)
    const { mac: _, ...unsigned } = request
    expect(await post(endpoint, unsigned)).toMatchObject({ status: 401, code: 40_101 })
    expect(await post(endpoint, { ...request, clientId: 'eve' })).toMatchObject({ status: 401, code: 40_101 })
    const old = await signed(endpoint, { timestamp: Date.now() - 300_000 })
    expect(await post(endpoint, old)).toMatchObject({ status: 401, code: 40_104 })
    const long = await signed(endpoint, { ttl: 25 * 3_600_000 })
    expect(await post(endpoint, long)).toMatchObject({ status: 400, code: 40_003 })
  })

  test('need no signature when the key itself is sent', async () => {
    const endpoint = await startEndpoint()
    const authorization = `Basic ${Buffer.from(endpoint.key).toString('base64')}`
    expect(await post(endpoint, {}, { authorization })).toMatchObject({ status: 201, capability: '{"*":["*"]}' })
  })

  test.each([{ keyName: 'app.other' }, { clientId: 5 }, { capability: 5 }])('must be valid: %j', async (body) => {
    const endpoint = await startEndpoint()
    const authorization = `Basic ${Buffer.from(endpoint.key).toString('base64')}`
    expect(await post(endpoint, body, { authorization })).toMatchObject({ status: 400, code: 40_003 })
  })

  test('grant no more than the key allows', async () => {
    const key = { key: 'app.limited:secret', capability: { 'ai:*': ['subscribe', 'history'] } }
    const endpoint = await startEndpoint({ keys: [key] })
    const narrow = await signed(endpoint, { capability: { 'ai:x': ['*'], 'chat:*': ['publish'] } })
    expect(await post(endpoint, narrow)).toMatchObject({ status: 201, capability: '{"ai:x":["history","subscribe"]}' })
    const nothing = await signed(endpoint, { capability: { 'chat:*': ['publish'] } })
    expect(await post(endpoint, nothing)).toMatchObject({ status: 401, code: 40_160 })
  })

  test('for an unknown key are refused', async () => {
    const endpoint = await startEndpoint()
    const response = await fetch(`${endpoint.url}/keys/local.nobody/requestToken`, { method: 'POST' })
    expect(response.status).toBe(404)
  })
})

describe.each(formats)('revoked tokens in $format', ({ useBinaryProtocol }) => {
  const binary = { useBinaryProtocol }
  const keys = [{ key: 'app.one:secret', revocableTokens: true }, 'app.other:secret']

  test('disconnect only their own clients', async () => {
    const endpoint = await startEndpoint({ keys })
    const [bob, eve] = ['bob', 'eve'].map((clientId) => endpoint.client({ clientId }, binary))
    await Promise.all([inState(bob!, 'connected'), inState(eve!, 'connected')])
    const { token } = endpoint.createToken({ clientId: 'bob' })
    const gone = nextState(bob!, 'disconnected')
    const targets = [
      { type: 'clientId', value: 'bob' },
      { type: 'shoeSize', value: '42' },
    ]
    const result = await endpoint.rest({}, binary).auth.revokeTokens(targets)
    expect(result).toMatchObject({
      successCount: 1,
      failureCount: 1,
      results: [
        { target: 'clientId:bob', issuedBefore: expect.any(Number), appliesAt: expect.any(Number) },
        { target: 'shoeSize:42', error: { statusCode: 400 } },
      ],
    })
    expect((await gone).reason).toMatchObject({ code: 40_141, statusCode: 401 })
    const authorization = `Bearer ${Buffer.from(token).toString('base64')}`
    const response = await fetch(`${endpoint.url}/stats`, { headers: { authorization } })
    expect([response.status, response.headers.get('x-ably-errorcode')]).toEqual([401, '40141'])
    expect(eve!.connection.state).toBe('connected')
  })

  test('can leave time for new ones, and spare those issued later', async () => {
    const endpoint = await startEndpoint({ keys })
    const rest = endpoint.rest({}, binary)
    const before = Date.now()
    const issuedBefore = before - 60_000
    const client = endpoint.client({ clientId: 'bob' }, binary)
    await inState(client, 'connected')
    const target = [{ type: 'clientId', value: 'bob' }]
    await rest.auth.revokeTokens(target, { issuedBefore })
    await client.connection.ping()
    const update = new Promise((resolve) => client.connection.once('update', resolve))
    const { results } = await rest.auth.revokeTokens(target, { allowReauthMargin: true })
    expect(results[0]).toMatchObject({ appliesAt: expect.any(Number) })
    expect((results[0] as { appliesAt: number }).appliesAt).toBeGreaterThanOrEqual(before + 30_000)
    await update
    expect(client.connection.state).toBe('connected')
  })

  test('need a key that allows revocation', async () => {
    const endpoint = await startEndpoint({ keys })
    const other = endpoint.rest({}, { ...binary, key: 'app.other:secret' })
    expect(await failure(other.auth.revokeTokens([{ type: 'clientId', value: 'bob' }]))).toMatchObject({
      code: 40_163,
      statusCode: 401,
    })
  })
})

describe('a capability', () => {
  test.each([{ x: ['publish_'] }, { x: ['*', 'publish'] }, { x: [] }])(
    '%j is malformed and refused',
    async (capability) => {
      const endpoint = await startEndpoint()
      const wrong = { capability: JSON.stringify(capability) }
      expect(await failure(endpoint.rest().auth.requestToken(wrong))).toMatchObject({ code: 40_003, statusCode: 400 })
    },
  )
})
