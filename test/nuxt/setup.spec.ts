import { describe, expect, it } from 'vitest'
import { describeSetup, type Findings } from '../../src/nuxt/messages'
import { defaults } from '../../src/nuxt/options'
import { handlerOf } from '../../src/nuxt/routes'

const setup = (given: Partial<Findings>) =>
  describeSetup({
    options: defaults,
    handlers: [],
    endpoint: undefined,
    isDev: true,
    hasKey: true,
    short: (file) => file.replace('/app/', ''),
    ...given,
  })

describe('messages at the start', () => {
  it('name the file to create for each route that the app lacks', () => {
    const { info, warnings } = setup({ options: { ...defaults, archive: '/api/archive' } })
    expect(info).toEqual([])
    expect(warnings).toEqual([
      'AI sessions: no agent route at /api/agent, so prompts get no answer. Create server/api/agent.post.ts: export default defineAgentHandler({ async respond(run) { ... } })',
      'AI sessions: no token route at /api/ably/token, so browsers cannot connect. Create server/api/ably/token.ts: export default defineTokenHandler({ user: (event) => ..., authorize: (event, sessionName) => ... })',
      'AI sessions: no archive route at /api/archive, so old messages cannot be read. Create server/api/archive.get.ts: export default defineArchiveHandler({ archive, authorize: (event, sessionName) => ... })',
    ])
  })

  it('explain each route, and what replaces Ably', () => {
    const handlers = [{ route: '/api/agent', handler: '/app/server/api/agent.post.ts' }]
    const { info, warnings } = setup({ handlers, endpoint: 'http://127.0.0.1:4000', hasKey: false })
    expect(warnings).toEqual([])
    expect(info).toEqual([
      'AI sessions: local Ably endpoint, for development only: http://127.0.0.1:4000 (conversations are kept in memory). Set NUXT_AI_TRANSPORT_KEY in .env to use Ably',
      'AI sessions: agent at /api/agent: server/api/agent.post.ts',
      'AI sessions: token at /api/ably/token: for guests, in development only',
    ])
  })

  it('name the file that keeps conversations', () => {
    const options = { ...defaults, local: { persist: 'chat.log' } }
    const { info } = setup({ options, endpoint: 'http://127.0.0.1:4000' })
    expect(info[0]).toContain('(conversations are kept in chat.log)')
  })

  it('report the missing key if there is no local endpoint', () => {
    const { warnings } = setup({ hasKey: false })
    expect(warnings[0]).toBe(
      'AI sessions: there is no Ably key. Set NUXT_AI_TRANSPORT_KEY in .env, or remove "local: false"',
    )
    expect(setup({ hasKey: false, isDev: false }).warnings.join()).not.toContain('key')
  })

  it('do not mention routes of other servers', () => {
    const options = { ...defaults, agent: 'https://agent.example/', token: 'https://tokens.example/' }
    expect(setup({ options })).toEqual({ info: [], warnings: [] })
  })
})

describe('the handler of a path', () => {
  it.each([
    ['/api/agent', '/api/agent'],
    ['/api/:name', '/api/agent'],
    ['/api/**', '/api/ably/token'],
    ['/api/**:path', '/api/ably/token'],
  ])('at %s matches %s', (route, path) => {
    expect(handlerOf(path, [{ route }])).toEqual({ route })
  })

  it.each([
    ['/api/agents', '/api/agent'],
    ['/api/:name', '/api/ably/token'],
    ['/api.agent', '/api/agent'],
    ['/**', '/api/agent'],
  ])('at %s does not match %s', (route, path) => {
    expect(handlerOf(path, [{ route }])).toBeUndefined()
  })

  it('is not matched for a middleware', () => {
    expect(handlerOf('/api/agent', [{ route: '/api/**', middleware: true }, {}])).toBeUndefined()
  })
})
