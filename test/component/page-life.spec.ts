import { mount } from '@vue/test-utils'
import { createApp, defineComponent, effectScope, h, nextTick, onMounted, ref, Suspense, watchEffect } from 'vue'
import * as Vue from 'vue'
import { createPinia } from 'pinia'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { deferred, type Deferred } from '../../src/core/signals'
import { createAITransport, defineSessionStore, useClientSession, useConnection, useView } from '../../src'
import { aiPlugins, bareApp } from '../support/app'
import { startConversation } from '../support/conversation'
import { eventually } from '../support/eventually'

/** The code that the compiler generates for `await` in setup; Vue's types hide it. */
const { withAsyncContext } = Vue as unknown as {
  withAsyncContext(make: () => Promise<void>): [Promise<void>, () => void]
}

afterEach(() => void vi.restoreAllMocks())

/** A component that shows the chat `one` until the name changes, as an app's page does. */
function openChat(options: Parameters<typeof bareApp>[0], first = 'one') {
  const name = ref(first)
  const scope = effectScope()
  const page = bareApp({ linger: 0, ...options }).runWithContext(() =>
    scope.run(() => ({ ...useClientSession(name), ...useView(), connection: useConnection() })),
  )!
  return { name, scope, page }
}

/** A page of one session with its statuses so far; its client closes in `beforeunload`, as the SDK does in browsers. */
async function openPage(name: string) {
  const scene = await startConversation(`ai:${name}`)
  const client = scene.endpoint.client({ clientId: 'reader' })
  const close = (): void => client.close()
  window.addEventListener('beforeunload', close)
  const { scope, page } = openChat({ client }, name)
  const seen: string[] = []
  scope.run(() => watchEffect(() => seen.push(page.status.value), { flush: 'sync' }))
  await page.ready
  seen.length = 0
  const leave = async (): Promise<void> => {
    window.dispatchEvent(new Event('beforeunload'))
    await eventually(() => expect(client.connection.state).toBe('closed'))
    expect(seen).toEqual(['idle'])
  }
  const end = (): void => {
    scope.stop()
    window.removeEventListener('beforeunload', close)
  }
  return { ...scene, client, page, leave, end, seen }
}

describe('a page whose connection closed because it seemed to be left', () => {
  it('reconnects by itself after a mailto link, a download or a cancelled "Leave site?"', async () => {
    const { page, leave, end, prompt } = await openPage('stays')
    await leave()
    await prompt('missed', 'Are you there?')
    await eventually(() => expect(page.status.value).toBe('ready'))
    await eventually(() => expect(page.messages.value.map(({ id }) => id)).toEqual(['missed']))
    end()
  })

  it('reconnects by itself after several such links in a row', async () => {
    const { page, leave, end } = await openPage('stays-again')
    await leave()
    window.dispatchEvent(new Event('beforeunload'))
    await eventually(() => expect(page.status.value).toBe('ready'))
    window.dispatchEvent(new Event('beforeunload'))
    await eventually(() => expect(page.status.value).toBe('idle'))
    await eventually(() => expect(page.status.value).toBe('ready'))
    end()
  })

  it.each<[string, () => unknown]>([
    ['is restored by the back button', () => window.dispatchEvent(new Event('pageshow'))],
    ['becomes visible', () => document.dispatchEvent(new Event('visibilitychange'))],
  ])('reconnects when it %s', async (_, happens) => {
    const { page, end } = await openPage('back')
    // NOTE: a timer that is set now never fires, or the page could reconnect by it
    vi.useFakeTimers({ toFake: ['setTimeout'] })
    window.dispatchEvent(new Event('beforeunload'))
    vi.useRealTimers()
    await eventually(() => expect(page.status.value).toBe('idle'))
    happens()
    await eventually(() => expect(page.status.value).toBe('ready'))
    end()
  })

  it('reconnects when an action needs the connection', async () => {
    const { page, leave, end, client } = await openPage('verb')
    await leave()
    await page.send('hello', { wake: false })
    expect(client.connection.state).toBe('connected')
    await eventually(() => expect(page.status.value).toBe('ready'))
    end()
  })

  it.each<[string, () => unknown]>([
    ['seems to be left', () => window.dispatchEvent(new Event('beforeunload'))],
    ['is restored by the back button', () => window.dispatchEvent(new Event('pageshow'))],
    ['becomes visible', () => document.dispatchEvent(new Event('visibilitychange'))],
  ])(
    'a connection that the app has closed stays closed when the page %s, until an action needs it',
    async (_, happens) => {
      const { page, end, client } = await openPage('closed')
      client.close()
      await eventually(() => expect(page.status.value).toBe('idle'))
      happens()
      await new Promise((resolve) => setTimeout(resolve, 1200))
      expect(client.connection.state).toBe('closed')
      await page.send('hello', { wake: false })
      expect(client.connection.state).toBe('connected')
      end()
    },
  )
})

it.each([
  ['for a moment', 'disconnected', 120_000],
  ['for so long that the connection is suspended', 'suspended', 200],
])('a prompt written offline %s is sent although another chat was opened meanwhile', async (_, state, ttl) => {
  const { endpoint } = await startConversation('ai:one', { limits: { connectionStateTtl: ttl } })
  const client = endpoint.client({ clientId: 'reader' })
  const { name, scope, page } = openChat({ client })
  await page.ready
  const restore = endpoint.dropConnection('reader', { refuseFor: Infinity })
  await eventually(() => expect(client.connection.state).toBe(state))
  const sent = page.send('written in a tunnel', { wake: false })
  name.value = 'two'
  await nextTick()
  name.value = 'one'
  expect(page.messages.value.map(({ state }) => state)).toEqual(['pending'])
  name.value = 'two'
  await nextTick()
  restore()
  page.connection.retry()
  await sent
  name.value = 'one'
  await eventually(() => expect(page.messages.value.map(({ state }) => state)).toEqual(['sent']))
  scope.stop()
})

it.each<[string, (page: ReturnType<typeof useView>) => Promise<unknown>]>([
  ['a Stop', (page) => page.cancel('run-1')],
  ['a steer', (page) => page.steer('run-1', 'By train').published],
])('%s in a long outage is published although another chat was opened meanwhile', async (_, act) => {
  const { endpoint, agent, prompt } = await startConversation('ai:one', { limits: { connectionStateTtl: 200 } })
  const client = endpoint.client({ clientId: 'reader' })
  const { name, scope, page } = openChat({ client })
  await page.ready
  await prompt('p1', 'Where to?')
  await agent.startRun('run-1', 'p1')
  await eventually(() => expect(page.runs.value).toHaveLength(1))
  const restore = endpoint.dropConnection('reader', { refuseFor: Infinity })
  await eventually(() => expect(client.connection.state).toBe('suspended'))
  const published = act(page)
  name.value = 'two'
  await nextTick()
  restore()
  page.connection.retry()
  await published
  scope.stop()
})

it('a prompt is answered although its agent could not be reached at first, and another chat was opened meanwhile', async () => {
  const { endpoint } = await startConversation('ai:one')
  const attempts: Deferred<void>[] = []
  const agent = (): Promise<void> => {
    attempts.push(deferred())
    return attempts.at(-1)!.promise
  }
  const client = endpoint.client({ clientId: 'reader' })
  const { name, scope, page } = openChat({ client, agent })
  await page.send('hello')
  await eventually(() => expect(attempts).toHaveLength(1))
  name.value = 'two'
  await page.ready
  attempts[0]!.reject(new Error('the agent restarts'))
  await eventually(() => expect(attempts).toHaveLength(2))
  expect(client.channels.get('ai:one').state).toBe('attached')
  attempts[1]!.resolve()
  await eventually(() => expect(Object.keys(client.channels.all)).toEqual(['ai:two']))
  scope.stop()
})

it('a Stop of a run that waits wakes an agent although another chat was opened at once', async () => {
  const { endpoint, agent: hand, prompt } = await startConversation('ai:one')
  const client = endpoint.client({ clientId: 'reader' })
  const woken: string[] = []
  const agent = ({ sessionName }: { sessionName: string }): void => void woken.push(sessionName)
  const { name, scope, page } = openChat({ client, agent })
  await page.ready
  await prompt('p1', 'Where to?')
  const run = await hand.startRun('run-1', 'p1')
  await run.suspend()
  await eventually(() => expect(page.runs.value).toMatchObject([{ status: 'suspended' }]))
  await page.cancel('run-1')
  name.value = 'two'
  await eventually(() => expect(woken).toEqual(['ai:one']))
  await run.end('cancelled')
  await eventually(() => expect(Object.keys(client.channels.all)).toEqual(['ai:two']))
  scope.stop()
})

describe('an app that is unmounted while a prompt is on its way', () => {
  const openApp = async (name: string) => {
    const { endpoint } = await startConversation(`ai:${name}`)
    const client = endpoint.client({ clientId: 'reader' })
    const woken: string[] = []
    const agent = ({ sessionName }: { sessionName: string }): void => void woken.push(sessionName)
    const app = bareApp({ client: () => client, agent })
    app.mount(document.createElement('div'))
    const page = app.runWithContext(() => effectScope().run(() => ({ ...useClientSession(name), ...useView() })))!
    await page.ready
    const history = async () => (await endpoint.client().channels.get(`ai:${name}`).history()).items
    return { endpoint, client, app, page, woken, history }
  }

  it('publishes the prompt, wakes the agent, and closes its client then', async () => {
    const { endpoint, client, app, page, woken, history } = await openApp('unmounted')
    const asked = deferred<unknown>()
    const release = endpoint.delayPublish((message) => {
      if (message.name === 'ai-input') asked.resolve(message)
      return message.name === 'ai-input'
    })
    const sending = page.send('Hello')
    await asked.promise
    app.unmount()
    release()
    await sending
    await eventually(() => expect(woken).toEqual(['ai:unmounted']))
    await eventually(() => expect(client.connection.state).toBe('closed'))
    expect(await history()).toMatchObject([{ name: 'ai-input', data: 'Hello' }])
  })

  it('rejects the prompt if there is no network, and publishes nothing later', async () => {
    const { endpoint, client, app, page, woken, history } = await openApp('unmounted-offline')
    const restore = endpoint.dropConnection('reader', { refuseFor: Infinity })
    await eventually(() => expect(page.status.value).toBe('reconnecting'))
    const sending = page.send('Hello')
    app.unmount()
    await expect(sending).rejects.toMatchObject({ code: 104004 })
    restore()
    await eventually(() => expect(client.connection.state).toBe('closed'))
    expect([woken, await history()]).toEqual([[], []])
  })

  it('rejects the prompt if the network goes meanwhile, and closes its client', async () => {
    const { endpoint, client, app, page, woken } = await openApp('unmounted-cut-off')
    endpoint.freeze('reader')
    const sending = page.send('Hello')
    app.unmount()
    await expect(sending).rejects.toMatchObject({ code: 104004 })
    await eventually(() => expect(client.connection.state).toMatch(/^clos/))
    expect(woken).toEqual([])
  })
})

describe('a component that was unmounted', () => {
  const optionsFor = async (name: string, more = {}) => {
    const { endpoint } = await startConversation(`ai:${name}`)
    return { endpoint, options: { client: () => endpoint.client({ clientId: 'reader' }), linger: 0, ...more } }
  }

  it.each<[string, () => ReturnType<typeof defineComponent>]>([
    [
      'in setup',
      () =>
        defineComponent({
          async setup() {
            const { ready } = useClientSession('left')
            await ready
            return () => null
          },
        }),
    ],
    [
      'when mounted',
      () =>
        defineComponent({
          setup() {
            const session = useClientSession('left')
            onMounted(async () => {
              await session.ready
              expect.unreachable()
            })
            return () => null
          },
        }),
    ],
  ])('does not continue after `ready`, awaited %s', async (_, make) => {
    const { options } = await optionsFor('left')
    const errors: unknown[] = []
    const Chat = make()
    const shown = ref(true)
    const wrapper = mount(() => h(Suspense, () => h('div', shown.value ? [h(Suspense, () => h(Chat))] : [])), {
      global: { plugins: aiPlugins(options).plugins, config: { errorHandler: (error) => void errors.push(error) } },
    })
    await nextTick()
    shown.value = false
    await nextTick()
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(errors).toEqual([])
    wrapper.unmount()
  })

  it('does not keep the session open when its setup continues', async () => {
    const { options } = await optionsFor('late')
    const client = vi.fn<typeof options.client>(options.client)
    const { promise, resolve } = deferred()
    const seen: unknown[] = []
    const Late = defineComponent({
      async setup() {
        // The compiled form of `await promise`
        const [awaited, restore] = withAsyncContext(() => promise)
        await awaited
        restore()
        const { status } = useClientSession('late')
        const { messages } = useView({ limit: 50 })
        seen.push(status.value, messages.value.length)
        return () => null
      },
    })
    const shown = ref(true)
    const wrapper = mount(() => h(Suspense, () => h('div', shown.value ? [h(Suspense, () => h(Late))] : [])), {
      global: { plugins: aiPlugins({ ...options, client }).plugins },
    })
    await nextTick()
    shown.value = false
    await nextTick()
    resolve()
    await eventually(() => expect(seen).toEqual(['idle', 0]))
    expect(client).not.toHaveBeenCalled()
    wrapper.unmount()
  })
})

it('an undefined name means no session yet, also inside another session', async () => {
  const { endpoint } = await startConversation('ai:outer')
  const { plugins } = aiPlugins({ client: () => endpoint.client({ clientId: 'reader' }), linger: 0 })
  const names: unknown[] = []
  const Inner = defineComponent({
    setup() {
      for (const name of [undefined, null, '']) names.push(useClientSession(name).name.value)
      return () => null
    },
  })
  const Outer = defineComponent({
    setup() {
      useClientSession('outer')
      return () => h(Inner)
    },
  })
  mount(Outer, { global: { plugins } }).unmount()
  expect(names).toEqual([undefined, undefined, undefined])
})

it('one plugin object serves one app at a time', () => {
  const transport = createAITransport({ client: () => expect.unreachable(), agents: 'agent' })
  const make = () => createApp({ render: () => null }).use(createPinia())
  const first = make().use(transport)
  expect(() => make().use(transport)).toThrow('has an AI transport already')
  first.mount(document.createElement('div'))
  first.unmount()
  expect(() => make().use(transport)).not.toThrow()
})

it('a store of a session accepts a hot update', async () => {
  const { endpoint } = await startConversation('ai:hot')
  const { plugins, pinia } = aiPlugins({ client: () => endpoint.client({ clientId: 'reader' }), linger: 0 })
  const version = (label: string) => defineSessionStore('hot', { name: 'hot', setup: () => ({ label: () => label }) })
  const app = createApp({ render: () => null })
  for (const plugin of plugins) app.use(plugin)
  const { acceptHMRUpdate } = await import('pinia')
  const [before, after] = [version('old'), version('new')]
  const store = app.runWithContext(() => before())
  expect(store.label()).toBe('old')
  acceptHMRUpdate(before, { data: {} })({ useHot: after })
  expect(store.label()).toBe('new')
  await eventually(() => expect(store.status).toBe('ready'))
  expect([...(pinia as unknown as { _s: Map<string, unknown> })._s.keys()].filter((id) => id.includes('hot:'))).toEqual(
    [],
  )
  store.$dispose()
})
