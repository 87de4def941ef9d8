import { renderToString } from '@vue/server-renderer'
import * as Ably from 'ably'
import { createDatabase } from 'db0'
import sqlite from 'db0/connectors/node-sqlite'
import { createServer } from 'node:http'
import { createPinia } from 'pinia'
import { createSSRApp, defineComponent, h, type Component } from 'vue'
import { afterEach, expect, it, onTestFinished, vi } from 'vitest'
import {
  createAITransport,
  createClientSession,
  UIMessageCodec,
  useClientSession,
  useView,
  type DehydratedSession,
} from '../../src'
import { archiveRoute, sqlArchive } from '../../src/archive'
import { tuplesOf } from '../../src/core/rows'
import { deferred } from '../../src/core/signals'
import type { AITransportOptions } from '../../src/store/transport'
import { startConversation } from '../support/conversation'
import { textOf } from '../support/scene'

afterEach(() => void vi.useRealTimers())

/** Prints everything a page shows of a session. */
function useLines(limit?: number): () => string {
  const { status, error } = useClientSession()
  const { messages, runs, hasOlder } = useView({ limit })
  return () =>
    [
      ...messages.value.map(({ message, state }) => `${state}: ${textOf(message)}`),
      ...runs.value.map((run) => `run ${run.status}`),
      `${status.value}, older ${hasOlder.value}, error ${error.value?.code ?? 'none'}`,
    ].join('|')
}

const Lines = defineComponent({
  props: { limit: { type: Number, default: undefined } },
  setup({ limit }) {
    const print = useLines(limit)
    return () => h('p', print())
  },
})

/** A page that awaits its session, and one that leaves the wait to the renderer. */
const awaiting = (name: string, limit?: number): Component =>
  defineComponent({
    async setup() {
      const { ready } = useClientSession(name)
      const print = useLines(limit)
      await ready
      return () => h('p', print())
    },
  })
const prefetching = (name: string, limit?: number): Component =>
  defineComponent({
    setup() {
      useClientSession(name)
      return () => h(Lines, { limit })
    },
  })

async function render(page: Component, server: AITransportOptions['server'], archive?: AITransportOptions['archive']) {
  const app = createSSRApp(page)
  const pinia = createPinia()
  app.use(pinia)
  app.use(createAITransport({ client: () => expect.unreachable(), agents: () => true, server, archive }))
  const html = (await renderToString(app)).replaceAll(/<[^>]*>/g, '')
  return { html, state: pinia.state.value as Record<string, { rows: DehydratedSession[] }> }
}

/** A conversation with one complete reply and one that is streaming. */
async function aConversation(name: string) {
  const scene = await startConversation(`ai:${name}`)
  await scene.prompt('p1', `Where to, ${name}?`)
  const first = await scene.agent.startRun('r1', 'p1')
  await first.say('m1', `To ${name}.`)
  await first.end()
  await scene.prompt('p2', 'And then?', 'm1')
  const second = await scene.agent.startRun('r2', 'p2')
  const text = await second.text()
  await text.append('Then')
  return { ...scene, rest: () => scene.endpoint.rest({ clientId: 'server' }) }
}

const linesOf = (name: string) =>
  `sent: Where to, ${name}?|complete: To ${name}.|sent: And then?|streaming: Then|run complete|run active|idle, older false, error none`

it.each([
  ['a page that awaits `ready`', awaiting],
  ['a page that does not', prefetching],
])('a server renders the conversation with the states of its runs: %s', async (_, page) => {
  const { rest } = await aConversation('lisbon')
  const server = vi.fn<(sessionName: string) => Ably.Rest>(rest)
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] })
  const { html, state } = await render(page('lisbon'), server)
  expect(html).toBe(linesOf('lisbon'))
  expect(server.mock.calls).toEqual([['ai:lisbon']])
  expect(vi.getTimerCount()).toBe(0)
  const [rows] = (JSON.parse(JSON.stringify(state)) as typeof state)['ai-session:lisbon']!.rows
  expect(rows).toMatchObject({ v: 1, session: 'ai:lisbon', hasOlder: false })
})

it('a server renders as many messages of the newest page as the components request', async () => {
  const { rest } = await aConversation('porto')
  const few = await render(awaiting('porto', 2), rest)
  expect(few.html).toMatch(/^sent: And then\?\|streaming: Then\|.*older true/)
  const { endpoint, prompt } = await startConversation('ai:many')
  for (let index = 0; index < 50; index++)
    await prompt(`p${index}`, `${index}`, index > 0 ? `p${index - 1}` : undefined)
  const many = await render(prefetching('many', 45), () => endpoint.rest())
  expect(many.html.match(/sent: /g)).toHaveLength(45)
})

it('a server renders a conversation that has expired on Ably from the archive of a function', async () => {
  const { rest, endpoint } = await aConversation('madrid')
  const session = createClientSession({ client: endpoint.client(), sessionName: 'ai:madrid', codec: UIMessageCodec })
  await session.connect()
  await session.view.loadUntil(() => false)
  const archive = sqlArchive(createDatabase(sqlite({ name: ':memory:' })))
  await archive.write({ sessionName: 'ai:old', rows: tuplesOf(session.internals.tree.log.rows()) })
  await session.close()
  const route = archiveRoute({ archive, authorize: () => true })
  const queries: string[] = []
  const { html, state } = await render(prefetching('old'), rest, (query) => {
    queries.push(query)
    return route(new Request(`http://app.example/api/archive?${query}`))
  })
  expect(html).toBe(linesOf('madrid'))
  expect(queries).toEqual(['sessionName=ai%3Aold&limit=100'])
  expect(state['ai-session:old']!.rows[0]).toMatchObject({ session: 'ai:old', hasOlder: false })
})

it('the payload of a conversation without messages says that it is empty', async () => {
  const { endpoint } = await startConversation('ai:empty')
  const { html, state } = await render(prefetching('empty'), () => endpoint.rest())
  expect(html).toBe('idle, older false, error none')
  expect(state['ai-session:empty']!.rows).toEqual([])
})

it('concurrent requests are rendered with separate sessions', async () => {
  const { endpoint, ...scene } = await startConversation('ai:shared')
  await scene.prompt('p', 'for everybody')
  const capability = (name: string) => ({ [`ai:${name}`]: ['history' as const] })
  const names = Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? 'shared' : `own-${index}`))
  const clients: Ably.Rest[] = []
  const pages = await Promise.all(
    names.map((name) =>
      render(prefetching(name), () => {
        const token = endpoint.createToken({ clientId: name, capability: capability(name) })
        const client = endpoint.rest({}, { key: undefined, token })
        clients.push(client)
        return client
      }),
    ),
  )
  expect(new Set(clients).size).toBe(20)
  for (const [index, { html, state }] of pages.entries()) {
    expect(Object.keys(state)).toEqual([`ai-session:${names[index]}`])
    expect(html).toBe(
      names[index] === 'shared' ? 'sent: for everybody|idle, older false, error none' : 'idle, older false, error none',
    )
  }
})

it.each([
  ['may not read the channel', (endpoint) => endpoint.rest({}, { key: 'app.key:wrong' }), /error 104011/],
  [
    'cannot be created',
    () => {
      throw new Error('ABLY_API_KEY is not set')
    },
    /error 104011/,
  ],
] satisfies [string, (endpoint: Awaited<ReturnType<typeof aConversation>>['endpoint']) => Ably.Rest, RegExp][])(
  'a server renders an empty session with the reason in `error` if the client %s',
  async (_, make, error) => {
    const { endpoint } = await aConversation('closed')
    const { html, state } = await render(prefetching('closed'), () => make(endpoint))
    expect(html).toMatch(error)
    expect(html).toMatch(/^idle, older true/)
    expect(state['ai-session:closed']).toMatchObject({
      rows: [{ rows: [] }],
      facts: { error: { message: /unable to read/ } },
    })
  },
)

it('a client that cannot be created leaves no timer, whose end would be an unhandled rejection', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const { html } = await render(prefetching('keyless'), () => new Ably.Rest({}))
  expect(html).toBe('idle, older true, error 104011')
  expect(vi.getTimerCount()).toBe(0)
})

it('a server renders without the conversation if the channel does not answer within 3 seconds', async () => {
  let isAsked: () => void
  const asked = new Promise<void>((resolve) => (isAsked = resolve))
  const silent = createServer(() => isAsked())
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    silent.closeAllConnections()
    silent.close()
  })
  const { port } = silent.address() as { port: number }
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const page = render(
    prefetching('slow'),
    () => new Ably.Rest({ key: 'a.b:c', restHost: '127.0.0.1', port, tls: false, useTokenAuth: false, logLevel: 0 }),
  )
  await asked
  await vi.advanceTimersByTimeAsync(3000)
  expect((await page).html).toBe('idle, older true, error 104011')
})

it('a server renders what Ably has if the archive does not answer within 3 seconds', async () => {
  const { rest } = await aConversation('faro')
  const asked = deferred<undefined>()
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  const page = render(prefetching('faro'), rest, {
    read: () => {
      asked.resolve(undefined)
      return new Promise(() => undefined)
    },
  })
  await asked.promise
  await vi.advanceTimersByTimeAsync(3000)
  const { html, state } = await page
  expect(html).toBe(linesOf('faro').replace('older false, error none', 'older true, error 104011'))
  expect(state['ai-session:faro']!.rows[0]).toMatchObject({ hasOlder: true })
  expect(vi.getTimerCount()).toBe(0)
})

it('a server reads all pages of a session within 3 seconds together', async () => {
  const { rest } = await aConversation('slow-pages')
  const asked = deferred<undefined>()
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  const page = render(prefetching('slow-pages'), rest, {
    read: async () => {
      asked.resolve(undefined)
      await new Promise((resolve) => setTimeout(resolve, 2000))
      // A full page of rows that all are of no use
      return Array.from({ length: 100 }, (_, index) => [`0${index}`, '', 'other', {}, {}, null, 0, 0] as const)
    },
  })
  await asked.promise
  await vi.advanceTimersByTimeAsync(3000)
  expect((await page).html).toMatch(/older true, error 104011/)
})

it('a server creates no client for a page without a session', async () => {
  const { html, state } = await render(
    defineComponent({
      setup() {
        useClientSession(() => null)
        return () => h(Lines)
      },
    }),
    () => expect.unreachable(),
  )
  expect(html).toBe('idle, older false, error none')
  expect(state).toEqual({})
})
