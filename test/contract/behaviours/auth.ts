import type * as Ably from 'ably'
import { equal, match, rejects, truth } from '../assert'
import { area } from '../stage'
import { eventually, inState, nextEvent, nextState, sleep, subscribe } from '../watch'

type AuthCallback = NonNullable<Ably.ClientOptions['authCallback']>
type Answer = Ably.TokenDetails | Ably.TokenRequest | string

const giving =
  (make: () => Promise<Answer>): AuthCallback =>
  (_, done) =>
    void give(make, done)

async function give(make: () => Promise<Answer>, done: Parameters<AuthCallback>[1]) {
  try {
    done(null, await make())
  } catch (error) {
    done(String(error), null)
  }
}

/**
 * Issues tokens of one second until `last` is called, then of a minute: on a slow machine, the first
 * can expire before its client is connected.
 */
function shortLived(rest: () => Ably.Rest) {
  let issued = 0
  let ttl = 1_000
  return {
    issue() {
      issued++
      return rest().auth.requestToken({ clientId: 'bob', ttl })
    },
    issued: () => issued,
    last: () => void (ttl = 60_000),
  }
}

export const credentials = area('credentials:', {
  async 'may be a token'({ token, visitor, restVisitor, plainName }) {
    const details = await token({ clientId: 'bob' })
    truth(details.issued && details.expires === details.issued + 3_600_000, 'a token lives an hour')
    const one = visitor({ token: details.token })
    await inState(one, 'connected')
    equal(one.auth.clientId, 'bob')
    const rest = restVisitor({ tokenDetails: details })
    await rest.channels.get(plainName()).publish('n', 'x')
  },

  async 'may be a signed token request'({ rest, visitor }) {
    const authCallback = giving(() => rest().auth.createTokenRequest({ clientId: 'bob' }))
    const one = visitor({ authCallback })
    await inState(one, 'connected')
    equal(one.auth.clientId, 'bob')
  },

  async 'may be a JWT'({ jwt, visitor, plainName }) {
    const name = plainName()
    const capability = JSON.stringify({ [name]: ['publish', 'subscribe'] })
    const claims = { 'x-ably-clientId': 'bob', 'x-ably-capability': capability }
    const one = visitor({ authCallback: giving(() => jwt(claims)) })
    await one.channels.get(name).publish('n', 'x')
    equal(one.auth.clientId, 'bob')
    await rejects(one.channels.get(plainName()).publish('n', 'x'), { code: 40_160, statusCode: 401 })
  },

  async 'a JWT must be signed with a key that exists'({ jwt, restVisitor, keyName }) {
    const stats = async (token: string) => await restVisitor({ token }).stats()
    await rejects(stats(await jwt({}, { keyName: 'no.such' })), { code: 40_400, statusCode: 404 })
    truth(keyName, 'there is a key')
    const wrong = await stats(await jwt({}, { secret: 'wrong' })).then(
      () => undefined,
      ({ code, cause }: { code: number; cause?: { code: number } }) => cause?.code ?? code,
    )
    truth(wrong === 40_144 || wrong === 40_171, `a wrong signature is refused, with ${wrong}`)
  },

  async 'that expire and cannot be renewed end the connection'({ token, visitor }) {
    const { token: text } = await token({ ttl: 1_000 })
    const one = visitor({ token: text })
    await inState(one, 'connected')
    const gone = nextState(one, 'disconnected')
    const failed = nextState(one, 'failed')
    match((await gone).reason, { code: 40_142, statusCode: 401 })
    match((await failed).reason, { code: 40_171 })
  },

  async 'that expire are renewed, and the connection stays'({ rest, visitor }) {
    const tokens = shortLived(rest)
    const one = visitor({ authCallback: giving(tokens.issue) })
    await inState(one, 'connected')
    const { id } = one.connection
    const before = tokens.issued()
    tokens.last()
    match((await nextState(one, 'disconnected')).reason, { code: 40_142 })
    await inState(one, 'connected')
    equal(one.connection.id, id)
    truth(tokens.issued() > before, 'a token was issued after the first had expired')
  },

  async 'that expire while a client is disconnected are renewed when it reconnects'({ rest, visitor, suspend }) {
    const tokens = shortLived(rest)
    const one = visitor({ authCallback: giving(async () => (await tokens.issue()).token) })
    await inState(one, 'connected')
    const { id } = one.connection
    await suspend(one)
    const before = tokens.issued()
    tokens.last()
    await sleep(1_100)
    one.connect()
    await inState(one, 'connected')
    equal(one.connection.id, id)
    truth(tokens.issued() > before, 'a token was issued after the first had expired')
  },

  async 'can be replaced in place'({ rest, visitor, plainName }) {
    const [a, b] = [plainName(), plainName()]
    let capability: Record<string, Ably.capabilityOp[]> = { [a]: ['subscribe'], [b]: ['subscribe'] }
    const make = () => rest().auth.requestToken({ clientId: 'bob', capability })
    const one = visitor({ authCallback: giving(make) })
    const [first, second] = [one.channels.get(a), one.channels.get(b)]
    await Promise.all([first.attach(), second.attach()])
    await rejects(second.publish('n', 'x'), { code: 40_160 })
    const { id } = one.connection
    const failed = nextEvent(first, 'failed')
    capability = { [b]: ['subscribe', 'publish'] }
    await one.auth.authorize()
    match((await failed).reason, { code: 40_160 })
    await second.publish('n', 'x')
    equal([second.state, one.connection.id], ['attached', id])
  },
})

export const identities = area('identities:', {
  async 'of a key can be any client id'({ client, plainName }) {
    const name = plainName()
    const box = await subscribe(client().channels.get(name))
    await client({ clientId: 'bob' }).channels.get(name).publish('n', 'x')
    await client().channels.get(name).publish({ clientId: 'eve', data: 'y' })
    equal((await box.until(2)).map(({ clientId }) => clientId ?? '').toSorted(), ['bob', 'eve'])
  },

  async 'of a token are the client ids it names'({ token, visitor, plainName }) {
    const details = await token({ clientId: 'bob' })
    const wrong = visitor({ token: details.token, clientId: 'eve' })
    match((await nextState(wrong, 'failed')).reason, { code: 40_102 })
    const bob = visitor({ token: details.token }).channels.get(plainName())
    await rejects(bob.publish({ clientId: 'eve', data: 'x' }), { code: 40_012 })
    await bob.publish('n', 'x')
  },

  async 'of a token with the client id * can be any client id'({ token, visitor, plainName }) {
    const details = await token({ clientId: '*' })
    const one = visitor({ token: details.token, clientId: 'bob' })
    await inState(one, 'connected')
    equal(one.auth.clientId, 'bob')
    await one.channels.get(plainName()).publish('n', 'x')
  },

  async 'of a token without a client id are not allowed'({ token, visitor, plainName }) {
    const details = await token()
    const nobody = visitor({ token: details.token }).channels.get(plainName())
    await rejects(nobody.publish({ clientId: 'bob', data: 'x' }), { code: 40_012 })
    await nobody.publish('n', 'x')
  },

  async 'over REST are checked, too'({ token, rest, restVisitor, plainName }) {
    const name = plainName()
    const details = await token({ clientId: 'bob' })
    const bob = restVisitor({ token: details.token }).channels.get(name)
    await rejects(bob.publish({ clientId: 'eve', data: 'x' }), { code: 40_012 })
    await bob.publish('n', 'x')
    match((await rest().channels.get(name).history()).items, [{ clientId: 'bob' }])
  },
})

export const capabilities = area('capabilities:', {
  async 'forbid operations that they do not name'({ token, visitor, restVisitor, plainName, mutableName }) {
    const [read, write, other] = [plainName(), mutableName(), plainName()]
    const capability: Record<string, Ably.capabilityOp[]> = { [read]: ['subscribe', 'history'], [write]: ['publish'] }
    const details = await token({ clientId: 'bob', capability })
    const one = visitor({ tokenDetails: details })
    const denied = { code: 40_160, statusCode: 401 }
    await one.channels.get(read).attach()
    await rejects(one.channels.get(read).publish('n', 'x'), denied)
    const { serials } = await one.channels.get(write).publish('n', 'x')
    await rejects(one.channels.get(write).appendMessage({ serial: serials[0]!, data: 'y' }), denied)
    await rejects(one.channels.get(write).history(), denied)
    await rejects(one.channels.get(other).attach(), denied)
    const rest = restVisitor({ tokenDetails: details })
    await rejects(rest.channels.get(read).publish('n', 'x'), denied)
    await rejects(rest.channels.get(write).history(), denied)
    await rest.channels.get(read).history()
    equal(one.connection.state, 'connected')
  },

  async 'can allow changes of own messages only'({ token, client, visitor, mutableName }) {
    const name = mutableName()
    const theirs = await client({ clientId: 'eve' }).channels.get(name).publish('n', 'x')
    const capability: Record<string, Ably.capabilityOp[]> = {
      [name]: ['publish', 'message-update-own'],
    }
    const bob = visitor({ tokenDetails: await token({ clientId: 'bob', capability }) }).channels.get(name)
    const mine = await bob.publish('n', 'x')
    await bob.appendMessage({ serial: mine.serials[0]!, data: 'y' })
    await rejects(bob.appendMessage({ serial: theirs.serials[0]!, data: 'y' }), { code: 40_160 })
  },

  async 'of a token are those of its request, sorted'({ token }) {
    const capability = { 'contract:b': ['subscribe', 'publish'], 'contract:a': ['*'] } as unknown as Record<
      string,
      Ably.capabilityOp[]
    >
    const details = await token({ capability })
    equal(details.capability, '{"contract:a":["*"],"contract:b":["publish","subscribe"]}')
  },

  async 'with wildcards match segments of channel names'({ token, visitor, mutableName, target, plainName }) {
    const details = await token({ capability: { [`${target.mutable}:*`]: ['publish'] } })
    const one = visitor({ tokenDetails: details })
    await one.channels.get(mutableName()).publish('n', 'x')
    await one.channels.get(`${mutableName()}:deeper`).publish('n', 'x')
    await rejects(one.channels.get(plainName()).publish('n', 'x'), { code: 40_160 })
  },
})

export const tokenRequests = area('token requests:', {
  async 'can be used once, and only while they are new'({ rest }) {
    const timestamp = await rest().time()
    const nonce = `contract-${Math.random()}`
    await rest().auth.requestToken({ timestamp, nonce })
    await rejects(rest().auth.requestToken({ timestamp, nonce }), { code: 40_105, statusCode: 401 })
    await rejects(rest().auth.requestToken({ timestamp: timestamp - 1_800_000 }), { code: 40_104, statusCode: 401 })
  },

  async 'must be signed'({ rest }) {
    await rejects(rest().auth.requestToken({ mac: '12345' } as Ably.TokenParams), { code: 40_101, statusCode: 401 })
  },

  async 'must keep within the limits'({ rest }) {
    const { auth } = rest()
    const tooLong = 365 * 24 * 3_600_000
    await rejects(auth.requestToken({ ttl: tooLong }), { code: 40_003, statusCode: 400 })
    await rejects(auth.requestToken({ ttl: -1 }), { code: 40_003, statusCode: 400 })
    for (const operations of [[], ['publish_'], ['*', 'publish']]) {
      const capability = { x: operations as Ably.capabilityOp[] }
      await rejects(auth.requestToken({ capability }), { code: 40_003, statusCode: 400 })
    }
  },

  async 'get the requested capability, sorted by name'({ rest }) {
    const capability = '{"x:b":["subscribe","push-subscribe","publish"],"x:a":["*"]}'
    const details = await rest().auth.requestToken({ capability })
    equal(details.capability, '{"x:a":["*"],"x:b":["publish","push-subscribe","subscribe"]}')
  },

  async 'get a response in the requested format'({ rest, keyName }) {
    const request = await rest().auth.createTokenRequest({ clientId: 'bob' })
    const answer = await rest().request<Ably.TokenDetails>('post', `/keys/${keyName}/requestToken`, 6, {}, request)
    match(answer, { success: true, statusCode: 201 })
    equal(
      answer.items.map(({ clientId }) => clientId),
      ['bob'],
    )
  },

  async 'for an unknown key are refused'({ rest }) {
    const answer = await rest().request('post', '/keys/no.such/requestToken', 6, {}, { keyName: 'no.such' })
    await eventually(
      () => answer.statusCode === 404,
      () => `status 404, not ${answer.statusCode}`,
    )
  },
})
