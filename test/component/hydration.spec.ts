import { renderToString } from '@vue/server-renderer'
import {
  createSSRApp,
  defineAsyncComponent,
  defineComponent,
  h,
  KeepAlive,
  nextTick,
  ref,
  Suspense,
  type App,
  type Component,
} from 'vue'
import { mapState } from 'pinia'
import { expect, it, vi } from 'vitest'
import {
  defineSessionStore,
  SessionProvider,
  useBranch,
  useClientSession,
  useComposer,
  useConnection,
  useRun,
  useRuns,
  useView,
} from '../../src'
import { aiPlugins } from '../support/app'
import { guardConsole } from '../support/console-guard'
import { startConversation } from '../support/conversation'
import { eventually } from '../support/eventually'

type Plugins = ReturnType<typeof aiPlugins>['plugins']

const apps: App[] = []
guardConsole(() => {
  for (const app of apps.splice(0)) app.unmount()
  document.body.innerHTML = ''
})

/** Everything a component can print of its session. */
function useEverything() {
  const { status, name, error } = useClientSession()
  const { messages, runs, pending, isRunning, hasOlder, isLoadingOlder, view } = useView()
  const { active } = useRuns({ scope: 'session' })
  const { run, isActive } = useRun('run-1')
  const { count, index } = useBranch('q')
  const { state, connected, since } = useConnection()
  return () =>
    JSON.stringify([
      [status.value, name.value, error.value?.code ?? 0],
      [messages.value.map(({ id }) => id), runs.value.length, pending.value.length, view.getMessages().length],
      [isRunning.value, hasOlder.value, isLoadingOlder.value, active.value.length],
      [run.value?.status ?? '', isActive.value, count.value, index.value],
      [state.value, connected.value, since.value ?? 0],
    ])
}

const Everything = defineComponent({
  setup() {
    const print = useEverything()
    return () => h('p', print())
  },
})

const Page = defineComponent({
  setup() {
    const { session } = useClientSession('trip')
    return () => [h('b', `${session.status} ${session.view.getMessages().length}`), h(Everything)]
  },
})

async function aConversation() {
  const scene = await startConversation('ai:trip')
  await scene.prompt('q', 'Where to?')
  await scene.agent.startRun('run-1', 'q')
  return { client: () => scene.endpoint.client({ clientId: 'reader' }), linger: 0 }
}

/** The page as a server renders it, which has no window. */
async function htmlOf(component: Component): Promise<string> {
  vi.stubGlobal('window', undefined)
  try {
    const app = createSSRApp(component)
    for (const plugin of aiPlugins({ client: () => expect.unreachable() }).plugins) app.use(plugin)
    return await renderToString(app)
  } finally {
    vi.unstubAllGlobals()
  }
}

function start(component: Component, host: Element, plugins: Plugins): void {
  const app = createSSRApp(component)
  for (const plugin of plugins) app.use(plugin)
  app.mount(host)
  apps.push(app)
}

async function hydrate(component: Component): Promise<{ host: Element; html: string }> {
  const options = await aConversation()
  const html = await htmlOf(component)
  const host = document.createElement('div')
  host.innerHTML = html
  document.body.append(host)
  start(component, host, aiPlugins(options).plugins)
  return { host, html }
}

const live = /ready.*\[\["q"\]|ready.*"q".*connected/
const isLive = (host: Element): Promise<void> => eventually(() => expect(host.innerHTML).toMatch(live))

it("the first paint equals the server's, and then the page updates live", async () => {
  const { host, html } = await hydrate(Page)
  expect(html).toContain('idle')
  await isLive(host)
})

it('a page with `await ready` in setup hydrates without a mismatch', async () => {
  const Waiting = defineComponent({
    async setup() {
      const { ready } = useClientSession('trip')
      const print = useEverything()
      await ready
      return () => h('p', print())
    },
  })
  const { host } = await hydrate(() => h(Suspense, () => h(Waiting)))
  expect(host.textContent).toContain('idle')
  await isLive(host)
})

it('a page inside a provider and a KeepAlive hydrates once without a mismatch', async () => {
  const shown = ref(true)
  const Kept = (): unknown => h(KeepAlive, () => (shown.value ? h(Everything) : h('i', 'elsewhere')))
  const { host } = await hydrate(() => h(SessionProvider, { name: 'trip' }, { default: Kept }))
  await isLive(host)
  shown.value = false
  await nextTick()
  shown.value = true
  await nextTick()
  expect(host.innerHTML).toContain('ready')
})

it('a component that hydrates after its session was long in use has no mismatch', async () => {
  let hydrateNow: () => void = () => expect.unreachable()
  const Lazy = defineAsyncComponent({
    loader: () => Promise.resolve(Everything),
    hydrate: (hydrate) => void (hydrateNow = hydrate),
  })
  const { host } = await hydrate(
    defineComponent({
      setup() {
        const { status } = useClientSession('trip')
        return () => [h('b', status.value), h(Lazy)]
      },
    }),
  )
  await eventually(() => expect(host.querySelector('b')!.textContent).toBe('ready'))
  expect(host.querySelector('p')!.textContent).toContain('idle')
  hydrateNow()
  await isLive(host)
})

it('a composer that hydrates while another one has a draft and a queue has no mismatch', async () => {
  let hydrateNow: () => void = () => expect.unreachable()
  const Box = defineComponent({
    setup() {
      const { draft, attachments, next, queue, pause, sending, storageError } = useComposer({ whenBusy: 'queue' })
      const facts = () => [draft.value, attachments.value.length, next.value, queue.value.map(({ text }) => text)]
      return () => h('p', JSON.stringify([...facts(), pause.value ?? 0, sending.value ?? 0, storageError.value ?? 0]))
    },
  })
  const First = defineComponent({
    setup() {
      const { draft, send } = useComposer({ whenBusy: 'queue' })
      const write = async (): Promise<void> => {
        draft.value = 'And then?'
        await send()
        draft.value = 'Later'
      }
      return () => h('button', { onClick: write }, 'Write')
    },
  })
  const Lazy = defineAsyncComponent({
    loader: () => Promise.resolve(Box),
    hydrate: (hydrate) => void (hydrateNow = hydrate),
  })
  const { host } = await hydrate(
    defineComponent({
      setup() {
        const { status } = useClientSession('trip')
        return () => [h('b', status.value), h(First), h(Lazy), h(Box)]
      },
    }),
  )
  const [lazy, eager] = host.querySelectorAll('p')
  await eventually(() => expect(eager!.textContent).toContain('"verb":"queue"'))
  host.querySelector('button')!.click()
  await eventually(() => expect(eager!.textContent).toMatch(/"Later".*"queue".*"And then\?"/))
  expect(lazy!.textContent).not.toContain('Later')
  hydrateNow()
  await eventually(() => expect(lazy!.textContent).toBe(eager!.textContent))
})

it('an island beside an app that uses the session hydrates without a mismatch', async () => {
  const options = await aConversation()
  const { plugins } = aiPlugins(options)
  const html = await htmlOf(Page)
  const [first, island] = [0, 1].map(() => {
    const host = document.createElement('div')
    host.innerHTML = html
    return document.body.appendChild(host)
  })
  start(Page, first!, plugins)
  await isLive(first!)
  const second = createSSRApp(Page)
  second.use(plugins[0])
  second.mount(island!)
  apps.push(second)
  await isLive(island!)
  expect(island!.textContent).toMatch(live)
})

it('a store of a session hydrates without a mismatch', async () => {
  const useTrip = defineSessionStore('trip-store', { name: 'trip' })
  const Shop = defineComponent({
    setup() {
      const trip = useTrip()
      return () => h('p', `${trip.status} "${trip.messages[0]?.id}" ${trip.isRunning} connected`)
    },
  })
  const { host, html } = await hydrate(Shop)
  expect(html).toContain('idle')
  await isLive(host)
})

it('a store hydrates without a mismatch, and then updates live, if only a template uses it', async () => {
  const useTrip = defineSessionStore('trip-options', { name: 'trip' })
  const Shop = defineComponent({
    computed: mapState(useTrip, ['status', 'messages']),
    render() {
      return h('p', `${this.status} "${this.messages[0]?.id}" connected`)
    },
  })
  const { host, html } = await hydrate(Shop)
  expect(html).toContain('idle')
  await isLive(host)
})

it('a store updates live after the component that used it first has left before it was mounted', async () => {
  const useTrip = defineSessionStore('trip-left', { name: 'trip' })
  const print = ({ status, messages }: ReturnType<typeof useTrip>) => `${status} "${messages[0]?.id}" connected`
  const isFirst = ref(true)
  const First = defineComponent({
    async setup() {
      const trip = useTrip()
      // The browser does not get any further
      if (typeof window !== 'undefined') await new Promise(() => undefined)
      return () => h('p', print(trip))
    },
  })
  const Second = defineComponent({
    setup() {
      const trip = useTrip()
      return () => h('p', print(trip))
    },
  })
  const { host, html } = await hydrate(() => h(Suspense, () => h('div', isFirst.value ? h(First) : h(Second))))
  expect(html).toContain('idle')
  isFirst.value = false
  await isLive(host)
})

it('actions reach the session at once, also before the page has hydrated', async () => {
  const sent: Promise<unknown>[] = []
  const Eager = defineComponent({
    setup() {
      const { session } = useClientSession('trip')
      if (typeof window !== 'undefined') sent.push(session.view.send('early', { wake: false }))
      return () => h('p', `${session.status} ${session.view.getMessages().length}`)
    },
  })
  const { host } = await hydrate(Eager)
  await Promise.all(sent)
  expect(sent).toHaveLength(1)
  await eventually(() => expect(host.textContent).toMatch(/ready [1-9]/))
})
