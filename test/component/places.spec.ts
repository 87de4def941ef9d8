import { mount } from '@vue/test-utils'
import { createPinia, mapActions, mapState, setActivePinia } from 'pinia'
import { createApp, defineComponent, effectScope, h, KeepAlive, nextTick, ref, Suspense, watchEffect } from 'vue'
import { afterEach, describe, expect, it, vi } from 'vitest'
import {
  createAITransport,
  defineSessionStore,
  SessionProvider,
  useClientSession,
  useConnection,
  useRun,
  useRuns,
  useView,
} from '../../src'
import { aiPlugins, bareApp } from '../support/app'
import { promptMessage, startConversation, type Conversation } from '../support/conversation'
import { eventually } from '../support/eventually'
import { handAgent } from '../support/hand-agent'

const optionsFor = ({ endpoint }: Conversation) => ({
  client: () => endpoint.client({ clientId: 'reader' }),
  agent: () => undefined,
  linger: 0,
})

/** Renders messages and runs as plain text. */
const Transcript = defineComponent({
  setup() {
    const { messages, runs, isRunning } = useView()
    return () => [
      messages.value.map(({ id, message, state }) =>
        h(
          'p',
          { key: id, 'data-state': state },
          message.parts.map((part) => (part.type === 'text' ? part.text : '')),
        ),
      ),
      runs.value.map((run) => h('b', { key: run.runId }, `${run.runId} ${run.status}`)),
      isRunning.value ? h('i', 'running') : null,
    ]
  },
})

const warn = vi.spyOn(console, 'warn')
afterEach(() => {
  const warnings = warn.mock.calls.map((call) => String(call[0]))
  warn.mockClear()
  if (warnings.length > 0) throw new Error(`unexpected warnings: ${warnings.join('; ')}`)
})

describe('in a component, useClientSession()', () => {
  it('shows prompts, a growing reply and the end of its run', async () => {
    const scene = await startConversation('ai:trip')
    const Page = defineComponent({
      setup() {
        useClientSession('trip')
        return () => h(Transcript)
      },
    })
    const wrapper = mount(Page, { global: { plugins: aiPlugins(optionsFor(scene)).plugins } })
    await scene.prompt('q', 'Where to?')
    await eventually(() => expect(wrapper.text()).toContain('running'))
    const run = await scene.agent.startRun('run-1', 'q')
    const text = await run.text()
    await text.append('To ')
    await text.append('Lisbon')
    await eventually(() => expect(wrapper.text()).toBe('Where to?To Lisbonrun-1 activerunning'))
    expect(wrapper.findAll('p')[1]!.attributes('data-state')).toBe('streaming')
    await text.close()
    await run.end()
    await eventually(() => expect(wrapper.text()).toBe('Where to?To Lisbonrun-1 complete'))
    expect(wrapper.findAll('p')[1]!.attributes('data-state')).toBe('complete')
    wrapper.unmount()
  })

  it('finds the session of a provider', async () => {
    const scene = await startConversation('ai:provided')
    await scene.prompt('q', 'Anyone?')
    const wrapper = mount(() => h(SessionProvider, { name: 'provided' }, () => h(Transcript)), {
      global: { plugins: aiPlugins(optionsFor(scene)).plugins },
    })
    await eventually(() => expect(wrapper.text()).toContain('Anyone?'))
    wrapper.unmount()
  })

  it('moves to another session when the name changes, and shows nothing without a name', async () => {
    const scene = await startConversation('ai:one')
    await scene.prompt('q1', 'first')
    const name = ref<string | undefined>('one')
    const Page = defineComponent({
      setup() {
        const { name: channel } = useClientSession(name)
        return () => [h('u', channel.value ?? 'none'), h(Transcript)]
      },
    })
    const wrapper = mount(Page, { global: { plugins: aiPlugins(optionsFor(scene)).plugins } })
    await eventually(() => expect(wrapper.text()).toContain('ai:onefirst'))
    name.value = 'two'
    await nextTick()
    expect(wrapper.text()).toBe('ai:two')
    name.value = undefined
    await nextTick()
    expect(wrapper.text()).toBe('none')
    name.value = 'one'
    await eventually(() => expect(wrapper.text()).toContain('ai:onefirst'))
    wrapper.unmount()
  })

  it('keeps the session of a component that KeepAlive has deactivated', async () => {
    const scene = await startConversation('ai:kept')
    const Page = defineComponent({
      name: 'KeptPage',
      setup() {
        useClientSession('kept')
        return () => h(Transcript)
      },
    })
    const shown = ref(true)
    const wrapper = mount(() => h(KeepAlive, () => (shown.value ? h(Page) : h('span', 'elsewhere'))), {
      global: { plugins: aiPlugins(optionsFor(scene)).plugins },
    })
    await scene.prompt('q1', 'before')
    await eventually(() => expect(wrapper.text()).toContain('before'))
    shown.value = false
    await nextTick()
    expect(wrapper.text()).toBe('elsewhere')
    await scene.prompt('q2', 'meanwhile', 'q1')
    shown.value = true
    await eventually(() => expect(wrapper.text()).toContain('meanwhile'))
    wrapper.unmount()
  })

  it('shows the first page at once in a Suspense that awaited `ready`', async () => {
    const scene = await startConversation('ai:awaited')
    await scene.prompt('q', 'old question')
    const Page = defineComponent({
      async setup() {
        const { ready } = useClientSession('awaited')
        const { messages } = useView()
        await ready
        const first = messages.value.length
        return () => h('p', `${first} at first`)
      },
    })
    const wrapper = mount(() => h(Suspense, null, { default: () => h(Page), fallback: () => h('i', 'loading') }), {
      global: { plugins: aiPlugins(optionsFor(scene)).plugins },
    })
    expect(wrapper.text()).toBe('loading')
    await eventually(() => expect(wrapper.text()).toBe('1 at first'))
    wrapper.unmount()
  })

  it('detaches the channel some time after the last component unmounts, and not if another one mounts at once', async () => {
    const scene = await startConversation('ai:leased')
    const reader = scene.endpoint.client({ clientId: 'reader' })
    const Page = defineComponent({
      setup() {
        useClientSession('leased')
        return () => h(Transcript)
      },
    })
    const key = ref(1)
    const wrapper = mount(() => (key.value > 0 ? h(Page, { key: key.value }) : null), {
      global: { plugins: aiPlugins({ client: reader, linger: 50 }).plugins },
    })
    const channel = reader.channels.get('ai:leased')
    await eventually(() => expect(channel.state).toBe('attached'))
    const states: string[] = []
    channel.on((change) => states.push(change.current))
    key.value = 2
    await nextTick()
    await scene.prompt('q', 'still here')
    await eventually(() => expect(wrapper.text()).toContain('still here'))
    expect(states).toEqual([])
    key.value = 0
    await eventually(() => expect(channel.state).toBe('detached'))
    expect(reader.connection.state).toBe('connected')
    wrapper.unmount()
  })
})

describe('in a plain effectScope, useClientSession()', () => {
  it('finds the session of its own or an outer scope, and its listeners follow the name', async () => {
    const scene = await startConversation('ai:first')
    const app = bareApp(optionsFor(scene))
    const name = ref('first')
    const heard: string[] = []
    const scope = effectScope()
    const parts = app.runWithContext(() =>
      scope.run(() => {
        const { session } = useClientSession(name)
        const { view } = effectScope().run(() => useView())!
        view.on('run', ({ type, runId }) => heard.push(`view ${type} ${runId}`))
        session.view.on('run', ({ type, runId }) => heard.push(`session ${type} ${runId}`))
        return { session }
      }),
    )!
    await eventually(() => expect(parts.session.status).toBe('ready'))
    await scene.prompt('q1', 'one')
    await scene.agent.startRun('run-1', 'q1')
    await eventually(() => expect(heard).toEqual(['view start run-1', 'session start run-1']))
    name.value = 'second'
    await eventually(() => expect(parts.session.channelName).toBe('ai:second'))
    await eventually(() => expect(parts.session.status).toBe('ready'))
    const agent = handAgent(scene.writer, 'ai:second')
    await agent.channel.publish([promptMessage('q2', 'two')])
    await agent.startRun('run-2', 'q2')
    await eventually(() => expect(heard.slice(2)).toEqual(['view start run-2', 'session start run-2']))
    scope.stop()
  })

  it('moves a created view to the new name, and closes it with the component', async () => {
    const scene = await startConversation('ai:left')
    await scene.prompt('q1', 'one')
    const name = ref<string>()
    const scope = effectScope()
    const app = bareApp({ ...optionsFor(scene), linger: 5000 })
    const used = app.runWithContext(() =>
      scope.run(() => {
        const binding = useClientSession(name)
        const { session } = binding
        const view = session.createView()
        return { binding, session, view, side: useView({ view }) }
      }),
    )!
    const { session, view, side } = used
    const shown = () => side.messages.value.map(({ id }) => id)
    expect(shown()).toEqual([])
    name.value = 'left'
    await used.binding.ready
    await side.loadOlder(10)
    expect(shown()).toEqual(['q1'])
    name.value = 'right'
    expect(shown()).toEqual([])
    await side.send('over here', { wake: false })
    expect(shown()).toEqual(session.view.getMessages().map(({ id }) => id))
    await scene.prompt('q2', 'two', 'q1')
    name.value = 'left'
    await eventually(() => expect(session.view.getMessages().at(-1)?.id).toBe('q2'))
    expect(shown().at(-1)).toBe('q2')
    let heard = 0
    view.on('update', () => heard++)
    scope.stop()
    await scene.prompt('q3', 'three', 'q2')
    await eventually(() => expect(session.view.getMessages().at(-1)?.id).toBe('q3'))
    expect([shown().at(-1), heard]).toEqual(['q2', 0])
  })

  it('closes a view that a handler created later with the component', async () => {
    const scene = await startConversation('ai:later')
    const scope = effectScope()
    const app = bareApp({ ...optionsFor(scene), linger: 5000 })
    const { session } = app.runWithContext(() => scope.run(() => useClientSession('later')))!
    await session.connect()
    const view = session.createView()
    let heard = 0
    view.on('update', () => heard++)
    await scene.prompt('q1', 'one')
    await eventually(() => expect(heard).toBeGreaterThan(0))
    scope.stop()
    heard = 0
    await scene.prompt('q2', 'two', 'q1')
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(heard).toBe(0)
  })

  it('closes a created view for good', async () => {
    const scene = await startConversation('ai:closed-view')
    const name = ref('closed-view')
    const scope = effectScope()
    const { session } = bareApp(optionsFor(scene)).runWithContext(() => scope.run(() => useClientSession(name)))!
    const view = session.createView()
    await session.connect()
    view.close()
    name.value = 'other-view'
    await session.connect()
    await session.view.send('hello', { wake: false })
    expect([session.view.getMessages().length, view.getMessages().length]).toEqual([1, 0])
    scope.stop()
  })

  it('throws the reason why a name is refused, and works with the next name', async () => {
    const scene = await startConversation('ai:fine')
    const app = bareApp(optionsFor(scene))
    const name = ref('[bad]')
    const scope = effectScope()
    const used = app.runWithContext(() => scope.run(() => useClientSession(name)))!
    const { error, status, ready } = used
    await expect(ready).rejects.toThrow('its name must not contain "["')
    expect(error.value!.message).toContain('"[bad]"')
    expect(status.value).toBe('idle')
    expect(warn.mock.calls).toEqual([[`[vue-ai-transport] A component has no session: ${error.value!.message}.`]])
    warn.mockClear()
    name.value = 'fine'
    await used.ready
    expect(status.value).toBe('ready')
    expect(error.value).toBeUndefined()
    scope.stop()
  })

  it('attaches again with a new client after a reset of the transport', async () => {
    const scene = await startConversation('ai:login')
    let user = 'alice'
    const clients: ReturnType<typeof scene.endpoint.client>[] = []
    const { plugins, transport, pinia } = aiPlugins({
      client: () => {
        const client = scene.endpoint.client({ clientId: user })
        clients.push(client)
        return client
      },
    })
    const app = createApp({ render: () => null })
    for (const plugin of plugins) app.use(plugin)
    const scope = effectScope()
    const { session } = app.runWithContext(() => scope.run(() => useClientSession('login')))!
    await eventually(() => expect(session.status).toBe('ready'))
    user = 'bob'
    await transport.reset()
    await eventually(() => expect(session.status).toBe('ready'))
    await session.view.send('Hi', { wake: false })
    expect(clients.map((client) => client.connection.state)).toEqual(['closed', 'connected'])
    await eventually(() => expect(session.view.pending()).toMatchObject([{ clientId: 'bob' }]))
    await new Promise((resolve) => setTimeout(resolve, 1100))
    expect(Object.keys(pinia.state.value)).toEqual(['ai-session:login'])
    expect(session.status).toBe('ready')
    scope.stop()
  })

  it('is reactive, and stops with the scope', async () => {
    const scene = await startConversation('ai:scoped')
    const app = bareApp(optionsFor(scene))
    const scope = effectScope()
    const seen: string[][] = []
    const parts = app.runWithContext(() =>
      scope.run(() => {
        const { session } = useClientSession('scoped')
        const { active } = useRuns({ session })
        const { run } = useRun('run-1', { session })
        const { connected } = useConnection()
        watchEffect(() => seen.push(session.view.getMessages().map((message) => message.id)))
        return { session, active, run, connected }
      }),
    )!
    await scene.prompt('q', 'hello')
    await scene.agent.startRun('run-1', 'q', 'writer')
    await eventually(() => expect(parts.active.value.map((run) => run.runId)).toEqual(['run-1']))
    expect(parts.run.value).toMatchObject({ runId: 'run-1', status: 'active', clientId: 'writer', inputId: 'q' })
    expect(parts.connected.value).toBe(true)
    await eventually(() => expect(seen.at(-1)).toEqual(['q']))
    scope.stop()
    await eventually(() => expect(parts.session.status).toBe('closed'))
  })
})

describe('ready', () => {
  /** A conversation of 60 prompts. */
  async function aLongOne(name: string) {
    const scene = await startConversation(`ai:${name}`)
    const ids = Array.from({ length: 60 }, (_, index) => `q${index}`)
    for (const [index, id] of ids.entries()) await scene.prompt(id, id, ids[index - 1])
    const app = bareApp({ ...optionsFor(scene), historyPageSize: 10 })
    return { ...scene, use: <T>(setup: () => T): T => app.runWithContext(() => effectScope().run(setup))! }
  }

  it('resolves without a name, and waits for a name that is set meanwhile', async () => {
    const { use } = await aLongOne('named')
    const name = ref<string>()
    const used = use(() => useClientSession(name))
    await used.ready
    name.value = 'named'
    await used.ready
    expect(used.status.value).toBe('ready')
    expect(used.session.view.getMessages()).toHaveLength(30)
  })

  it('waits for the largest first page that a component requests', async () => {
    const { use } = await aLongOne('larger')
    await use(() => useClientSession('larger')).ready
    const { ready, messages } = use(() => {
      const { ready } = useClientSession('larger')
      return { ready, ...useView({ limit: 50 }) }
    })
    await ready
    expect(messages.value).toHaveLength(50)
  })

  it('waits for older messages that a user requests while the first page loads', async () => {
    const { use } = await aLongOne('busy')
    const { session, ready } = use(() => useClientSession('busy'))
    session.on('status', (status) => status === 'ready' && void session.view.loadOlder(5))
    await ready
    expect(session.view.getMessages()).toHaveLength(30)
  })

  it('rejects if the archive cannot be read, while `error` has the reason and the page shows the rest', async () => {
    const scene = await startConversation('ai:unarchived')
    await scene.prompt('q0', 'Where to?')
    const archive = () => Promise.resolve(new Response('', { status: 503 }))
    const app = bareApp({ ...optionsFor(scene), archive })
    const [{ ready, error, status }, { messages }] = app.runWithContext(() =>
      effectScope().run(() => [useClientSession('unarchived'), useView()] as const),
    )!
    await expect(ready).rejects.toMatchObject({ code: 104011 })
    expect(messages.value.map(({ id }) => id)).toEqual(['q0'])
    expect([status.value, error.value?.message]).toEqual([
      'ready',
      'unable to read the archive; its route answered with status 503',
    ])
  })

  it('retries for the next component after the first page could not be loaded', async () => {
    const scene = await aLongOne('refused')
    const reader = scene.endpoint.client({ clientId: 'reader' })
    const app = bareApp({ client: reader, linger: 0 })
    const use = () => app.runWithContext(() => effectScope().run(() => [useClientSession('refused'), useView()] as const))! // prettier-ignore
    const history = vi.spyOn(reader.channels.get('ai:refused'), 'history').mockRejectedValue(new Error('away'))
    const [first] = use()
    await expect(first.ready).rejects.toThrow('away')
    history.mockRestore()
    const [next, { messages }] = use()
    await next.ready
    expect(messages.value).toHaveLength(30)
    await first.ready
  })
})

describe('in a store', () => {
  it('has one store per session, with or without a namespace in the name', async () => {
    const scene = await startConversation('ai:once')
    const { plugins, pinia } = aiPlugins(optionsFor(scene))
    const app = createApp({ render: () => null })
    for (const plugin of plugins) app.use(plugin)
    app.runWithContext(() => effectScope().run(() => [useClientSession('ai:once'), useClientSession('once')]))
    expect(Object.keys(pinia.state.value)).toEqual(['ai-session:once'])
  })

  it('lets $onAction observe the cancels of useRuns and useRun', async () => {
    const scene = await startConversation('ai:heard')
    const { plugins, pinia } = aiPlugins(optionsFor(scene))
    const calls: string[] = []
    pinia.use(({ store }) => void store.$onAction(({ name }) => name !== 'synced' && calls.push(name)))
    const app = createApp({ render: () => null })
    for (const plugin of plugins) app.use(plugin)
    const used = app.runWithContext(() =>
      effectScope().run(() => {
        const { ready } = useClientSession('heard')
        return { ready, runs: useRuns({ scope: 'session' }), run: useRun('run-1') }
      }),
    )!
    await used.ready
    await scene.prompt('q', 'hello')
    await scene.agent.startRun('run-1', 'q')
    await eventually(() => expect(used.run.isActive.value).toBe(true))
    await used.runs.cancel('run-1')
    await used.run.cancel()
    await used.runs.cancelAll()
    expect(calls).toEqual(['cancel', 'cancel', 'cancelAll'])
  })

  it('closes the session when the store is disposed, and opens a new one when it is used again', async () => {
    const scene = await startConversation('ai:one')
    const { plugins } = aiPlugins(optionsFor(scene))
    const app = createApp({ render: () => null })
    for (const plugin of plugins) app.use(plugin)
    const useTrip = defineSessionStore('trip')
    const open = (name: string) => app.runWithContext(() => useTrip(name))
    const one = open('one')
    expect(open('one')).toBe(one)
    await one.whenReady()
    const { view } = one
    one.$dispose()
    await expect(view.send('Hi', { wake: false })).rejects.toMatchObject({ code: 104004 })
    const again = open('one')
    expect(again).not.toBe(one)
    await again.whenReady()
    expect(again.status).toBe('ready')
  })

  it('serves the Options API through defineSessionStore', async () => {
    const scene = await startConversation('ai:store')
    const useTrip = defineSessionStore('trip', {
      name: 'store',
      setup: ({ messages }) => ({ shout: () => messages.value.map((m) => m.id.toUpperCase()).join() }),
    })
    const Page = defineComponent({
      computed: { ...mapState(useTrip, ['messages', 'isRunning', 'runs', 'status']) },
      methods: { ...mapActions(useTrip, ['send', 'shout']) },
      template: `<p v-for="m in messages" :key="m.id">{{ m.message.parts[0].text }}</p><i>{{ isRunning }} {{ status }}</i>`,
    })
    const { plugins, pinia } = aiPlugins(optionsFor(scene))
    const wrapper = mount(Page, { global: { plugins } })
    await eventually(() => expect(wrapper.text()).toBe('false ready'))
    await scene.prompt('q', 'from elsewhere')
    await eventually(() => expect(wrapper.text()).toBe('from elsewheretrue ready'))
    expect(wrapper.vm.shout?.()).toBe('Q')
    await wrapper.vm.send?.('and from here')
    await eventually(() => expect(wrapper.text()).toContain('and from here'))
    expect(JSON.stringify(pinia.state.value)).not.toContain('from here')
    wrapper.unmount()
  })

  it('lets $onAction observe actions and one call per structure change, none per token', async () => {
    const scene = await startConversation('ai:watched')
    const { plugins, pinia } = aiPlugins({ ...optionsFor(scene), flush: 'sync' })
    const calls: string[] = []
    const states: unknown[] = []
    pinia.use(({ store }) => {
      if (!store.$id.startsWith('ai-session:')) return
      store.$onAction(({ name }) => calls.push(name))
      store.$subscribe(() => states.push(JSON.stringify(store.$state)), { deep: true, flush: 'sync' })
    })
    const verbs: Pick<ReturnType<typeof useView>, 'send' | 'messages'>[] = []
    const Page = defineComponent({
      setup() {
        useClientSession('watched')
        verbs.push(useView())
        return () => null
      },
    })
    const app = createApp(Page)
    for (const plugin of plugins) app.use(plugin)
    app.mount(document.createElement('div'))
    const sent = await verbs[0]!.send('hello', { wake: false })
    expect(calls).toContain('send')
    const run = await scene.agent.startRun('run-1', sent.inputId)
    const text = await run.text()
    await text.append('a')
    const reply = (): string => JSON.stringify(verbs[0]!.messages.value.at(-1)!.message.parts)
    await eventually(() => expect(reply()).toContain('"a"'))
    const before = [calls.length, states.length]
    for (const token of 'bcdefgh') await text.append(token)
    await eventually(() => expect(reply()).toContain('abcdefgh'))
    expect([calls.length, states.length]).toEqual(before)
    app.unmount()
    expect(Object.keys(pinia.state.value)).not.toContain('ai-session:watched')
  })
})

describe('an error message', () => {
  it('names a composable that was called outside setup', () => {
    const app = createApp({ render: () => null })
    app.use(createPinia())
    app.use(createAITransport({ client: () => expect.unreachable() }))
    expect(() => app.runWithContext(() => useClientSession('x'))).toThrow(
      '[vue-ai-transport] This composable was called outside setup(): call it in setup(), in a Pinia store or inside an effectScope, so that it can release the session.',
    )
  })

  it('names the missing Pinia', () => {
    const app = createApp({ render: () => null })
    expect(() => app.use(createAITransport({ client: () => expect.unreachable() }))).toThrow(
      '[vue-ai-transport] createAITransport() needs Pinia: call app.use(createPinia()) before app.use(createAITransport({ ... })).',
    )
    setActivePinia(undefined)
    expect(() => app.runWithContext(() => effectScope().run(() => useClientSession('x')))).toThrow(
      '[vue-ai-transport] No Pinia found: call this inside setup(), a Pinia store or app.runWithContext(), after app.use(createPinia()).',
    )
    warn.mockClear() // Vue's own, about the injection
  })

  it('names the mistake without the explanation in production', () => {
    vi.stubEnv('NODE_ENV', 'production')
    const app = createApp({ render: () => null })
    const install = () => app.use(createAITransport({ client: () => expect.unreachable() }))
    expect(install).toThrow(/^\[vue-ai-transport\] createAITransport\(\) needs Pinia \(piniaMissing\)$/)
    vi.unstubAllEnvs()
  })

  it('names the missing transport', () => {
    const app = createApp({ render: () => null })
    app.use(createPinia())
    expect(() => app.runWithContext(() => effectScope().run(() => useClientSession('x')))).toThrow(
      '[vue-ai-transport] No AI transport is installed: call app.use(createAITransport({ client, agent })), or pinia.use(sessionSync({ ... })) where Pinia is set up.',
    )
  })

  it('names the second transport', () => {
    const { plugins } = aiPlugins({ client: () => expect.unreachable() })
    const app = createApp({ render: () => null })
    for (const plugin of plugins) app.use(plugin)
    expect(() => app.use(createAITransport({ client: () => expect.unreachable() }))).toThrow(
      '[vue-ai-transport] This Pinia has an AI transport already: call createAITransport() or pinia.use(sessionSync()) once per app.',
    )
  })

  it('names the missing session', () => {
    const { plugins } = aiPlugins({ client: () => expect.unreachable() })
    vi.spyOn(console, 'error').mockImplementation(() => undefined)
    expect(() => mount(Transcript, { global: { plugins } })).toThrow(
      '[vue-ai-transport] No session found: call useClientSession(name) in this component or an ancestor, wrap it in <SessionProvider name="...">, or pass { session }.',
    )
    warn.mockClear()
  })
})
