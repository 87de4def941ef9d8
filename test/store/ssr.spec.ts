import { renderToString } from '@vue/server-renderer'
import { createPinia } from 'pinia'
import { createSSRApp, defineComponent, h } from 'vue'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { createAITransport, useClientSession, useConnection, useRuns, useView } from '../../src'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const Page = defineComponent({
  async setup() {
    const { status, ready, session } = useClientSession(() => 'trip')
    const { messages, isRunning, hasOlder } = useView()
    const { runs } = useRuns()
    const { connected } = useConnection()
    await ready
    return () =>
      h(
        'p',
        `${status.value} ${messages.value.length} ${runs.value.length} ${session.view.runs().length} ${isRunning.value} ${hasOlder.value} ${connected.value}`,
      )
  },
})

it('a server renders an idle session without client, timer or socket', async () => {
  const client = vi.fn<() => never>(() => expect.unreachable())
  const resources = process.getActiveResourcesInfo().toSorted()
  const app = createSSRApp(Page)
  const pinia = createPinia()
  app.use(pinia)
  app.use(createAITransport({ client, agent: '/api/agent' }))
  expect(await renderToString(app)).toBe('<p>idle 0 0 0 false false false</p>')
  expect(client).not.toHaveBeenCalled()
  expect(vi.getTimerCount()).toBe(0)
  expect(process.getActiveResourcesInfo().toSorted()).toEqual(resources)
  expect(JSON.stringify(pinia.state.value)).toBe(
    '{"ai-session:trip":{"facts":{"status":"idle","messages":0,"activeRuns":0},"rows":[]}}',
  )
})

it('two requests have separate sessions on a server', async () => {
  const pinias = [createPinia(), createPinia()]
  for (const pinia of pinias) {
    const app = createSSRApp(Page)
    app.use(pinia)
    app.use(createAITransport({ client: () => expect.unreachable() }))
    await renderToString(app)
  }
  const [first, second] = pinias.map((pinia) => pinia.state.value['ai-session:trip'])
  expect(first).toEqual(second)
  expect(first).not.toBe(second)
})

it('an action on a server throws an error that names the missing client', async () => {
  const rejected: unknown[] = []
  const app = createSSRApp(
    defineComponent({
      async setup() {
        useClientSession('trip')
        const { send } = useView()
        await send('hello').catch((error: unknown) => rejected.push(error))
        return () => null
      },
    }),
  )
  app.use(createPinia())
  app.use(createAITransport({ client: () => expect.unreachable() }))
  await renderToString(app)
  expect(rejected).toMatchObject([{ message: expect.stringMatching(/there is no session.*server/) as string }])
})
