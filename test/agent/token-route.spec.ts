import { afterEach, describe, expect, it, vi } from 'vitest'
import { tokenRoute, type TokenRouteOptions } from '../../src/agent'
import { failure, inState, startEndpoint } from '../support/local'

afterEach(() => void vi.restoreAllMocks())

const key = 'app.key:c2VjcmV0'

/** A token route for one user, and a function that sends it requests. */
function route(options: Partial<TokenRouteOptions> = {}) {
  const issue = tokenRoute({ key, user: () => 'alice', sessions: (user) => [`${user}:*`, 'team'], ...options })
  return async (capability?: object | string, init?: RequestInit) => {
    const url = new URL('https://app.example.com/token?clientId=mallory')
    const text = typeof capability === 'string' ? capability : JSON.stringify(capability)
    if (capability) url.searchParams.set('capability', text)
    return issue(new Request(url, init))
  }
}

/** The capability of a token. */
async function grantOf(response: Response) {
  expect(response.status).toBe(200)
  const [, claims = ''] = (await response.text()).split('.')
  const read = JSON.parse(Buffer.from(claims, 'base64url').toString()) as Record<string, string | number>
  return {
    clientId: read['x-ably-clientId'],
    capability: JSON.parse(String(read['x-ably-capability'])) as unknown,
    seconds: Number(read.exp) - Number(read.iat),
  }
}

const errorOf = async (response: Response) => {
  const { error } = (await response.json()) as { error: { code: number; message: string } }
  return [response.status, error.code, error.message]
}

const all = ['subscribe', 'publish', 'history', 'presence']

describe('a token', () => {
  it("is for the logged-in user and that user's sessions, whatever the request says", async () => {
    const response = await route()()
    expect(response.headers.get('cache-control')).toBe('no-store')
    expect(response.headers.get('content-type')).toBe('application/jwt')
    expect(await grantOf(response)).toEqual({
      clientId: 'alice',
      capability: { 'alice:*': all, 'ai:team': all },
      seconds: 3600,
    })
  })

  it.each(['team', new Set(['team'])])('is for the sessions in what untyped apps return (%#)', async (names) => {
    const ask = route({ sessions: () => names as never })
    expect((await grantOf(await ask())).capability).toEqual({ 'ai:team': all })
  })

  it('covers the requested sessions that are allowed, and no others', async () => {
    const ask = route({ ttl: 60 })
    const asked = { 'alice:trip': ['*'], 'ai:team': ['subscribe', 'push-admin'], 'ai:secret': ['*'], 'bob:1': all }
    expect(await grantOf(await ask(asked))).toEqual({
      clientId: 'alice',
      capability: { 'alice:trip': all, 'ai:team': ['subscribe'] },
      seconds: 60,
    })
    expect((await grantOf(await ask({ '*': ['*'] }))).capability).toEqual({ 'alice:*': all, 'ai:team': all })
    expect((await grantOf(await ask({ 'alice:*': ['publish'] }))).capability).toEqual({ 'alice:*': ['publish'] })
    const posted = new URLSearchParams({ capability: JSON.stringify({ 'ai:team': ['history'] }) })
    expect((await grantOf(await ask(undefined, { method: 'POST', body: posted }))).capability).toEqual({
      'ai:team': ['history'],
    })
  })

  it("is granted by the app's hook, which gets the requested sessions", async () => {
    const sessions = vi.fn<TokenRouteOptions['sessions']>(async (_, { wanted }) =>
      wanted.filter((name) => name !== 'ai:b'),
    )
    const ask = route({ sessions })
    expect((await grantOf(await ask({ 'ai:a': ['*'], 'ai:b': ['*'] }))).capability).toEqual({ 'ai:a': all })
    expect(sessions).toHaveBeenCalledWith('alice', {
      request: expect.any(Request) as Request,
      wanted: ['ai:a', 'ai:b'],
    })
  })
})

describe('the token route refuses', () => {
  it.each<[string, Partial<TokenRouteOptions>, [number, number, string]]>([
    ['a request without a user', { user: () => undefined }, [401, 40_100, 'unable to issue a token; sign in first']],
    [
      'the client id of the agent',
      { user: () => 'agent' },
      [403, 40_012, 'unable to issue a token; client id "agent" is for the agent'],
    ],
    [
      'the client ids of several agents',
      { user: () => 'scribe', agents: ['poet', 'scribe'] },
      [403, 40_012, 'unable to issue a token; client id "scribe" is for the agent'],
    ],
    [
      'the client id `*`',
      { user: () => '*' },
      [403, 40_012, 'unable to issue a token; a client id must not contain "*"'],
    ],
    [
      'a user without sessions',
      { sessions: () => [] },
      [403, 40_160, 'unable to issue a token; "alice" may not use any session'],
    ],
  ])('%s', async (_, options, error) => {
    expect(await errorOf(await route(options)())).toEqual(error)
  })

  it('the names of sessions that the user may not use', async () => {
    expect(await errorOf(await route()({ 'bob:1': ['*'], 'bob:2': ['*'] }))).toEqual([
      403,
      40_160,
      'unable to issue a token; "alice" may not use "bob:1", "bob:2"',
    ])
  })

  it('malformed requests', async () => {
    const ask = route()
    for (const text of ['nonsense', '[3]', '{"ai:team":"*"}', 'null']) {
      expect(await errorOf(await ask(text))).toEqual([
        400,
        40_000,
        'unable to issue a token; "capability" is not a JSON object of channels and operations',
      ])
    }
    expect(await errorOf(await ask(undefined, { method: 'DELETE' }))).toEqual([
      405,
      40_500,
      'unable to accept DELETE; use GET or POST',
    ])
    const large = { method: 'POST', body: 'x'.repeat(70_000) }
    expect((await ask(undefined, large)).status).toBe(413)
  })

  it('a malformed key, when it is created', () => {
    const message =
      'unable to create the token route; "key" must be an Ably API key as in "appId.keyId:secret", for example from process.env.ABLY_API_KEY'
    for (const wrong of [undefined, '', 'app.key']) {
      expect(() => tokenRoute({ key: wrong as string, user: () => 'alice', sessions: () => [] })).toThrow(message)
    }
  })

  it.each([
    [{ user: () => 42 }, 'unable to issue a token; "user" must return a string, not 42'],
    [{ sessions: () => undefined }, 'unable to issue a token; "sessions" must return names, not undefined'],
    [{ sessions: () => null }, 'unable to issue a token; "sessions" must return names, not null'],
    [{ sessions: () => [7] }, 'unable to issue a token; "sessions" must return names, not [7]'],
  ])('with 500, and tells the app, if a hook returns a value of another type (%#)', async (options, message) => {
    const onError = vi.fn<(error: unknown) => void>()
    const response = await route({ ...(options as object), onError })()
    expect(await errorOf(response)).toEqual([500, 50_000, 'unable to answer; the agent failed'])
    expect(onError.mock.calls).toEqual([[expect.objectContaining({ message })]])
  })

  it("with 500 if the app's hook throws, and only onError gets the reason", async () => {
    const onError = vi.fn<(error: unknown) => void>()
    const cause = new Error('the database is away')
    const ask = route({ user: () => Promise.reject(cause), onError })
    expect(await errorOf(await ask())).toEqual([500, 50_000, 'unable to answer; the agent failed'])
    expect(onError).toHaveBeenCalledWith(cause)
  })
})

describe('a client of the real SDK', () => {
  it('connects with its token, and can use its own sessions and no others', async () => {
    const endpoint = await startEndpoint()
    const { key } = endpoint.clientOptions() as { key: string }
    const issue = tokenRoute({ key, user: () => 'alice', sessions: () => ['ai:alice:*'] })
    const client = endpoint.client(
      {},
      {
        key: undefined,
        authCallback: (params, done) => {
          const answer = async () => {
            const url = new URL('https://app.example.com/')
            if (params.capability) url.searchParams.set('capability', JSON.stringify(params.capability))
            done(null, await (await issue(new Request(url))).text())
          }
          void answer()
        },
      },
    )
    await inState(client, 'connected')
    expect(client.auth.clientId).toBe('alice')
    await client.channels.get('ai:alice:trip').publish('n', 'x')
    expect(await failure(client.channels.get('ai:bob:trip').publish('n', 'x'))).toMatchObject({ code: 40_160 })
  })
})
