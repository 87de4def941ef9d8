import { renderToString } from '@vue/server-renderer'
import { createSSRApp, defineAsyncComponent, defineComponent, h, ref, Suspense, type App, type Component } from 'vue'
import { expect, it, vi } from 'vitest'
import { useClientSession, useConnection, useRuns, useView, type DehydratedSession } from '../../src'
import type { AITransportOptions } from '../../src/store/transport'
import { aiPlugins } from '../support/app'
import { guardConsole } from '../support/console-guard'
import { startConversation } from '../support/conversation'
import { eventually } from '../support/eventually'
import { textOf } from '../support/scene'

const apps: App[] = []
guardConsole(() => {
  for (const app of apps.splice(0)) app.unmount()
  document.body.innerHTML = ''
})

/** Prints everything a page shows of its session. */
function useLines(limit?: number): () => string {
  const { session, status, error } = useClientSession()
  const { messages, pending, isRunning, hasOlder, view } = useView({ limit })
  const { runs } = useRuns()
  const { connected } = useConnection()
  return () =>
    [
      ...messages.value.map(({ message, state }) => `${state}: ${textOf(message)}`),
      ...runs.value.map((run) => `run ${run.status} ${run.cancelling ? 'cancelling' : ''}`),
      `${pending.value.length} pending, running ${isRunning.value}, older ${hasOlder.value}`,
      `${status.value}, error ${error.value?.message ?? 'none'}, connected ${connected.value}`,
      `${session.view.getMessages().length} ${view.runs().length} ${session.tree.runs().length}`,
    ].join('|')
}

const Lines = defineComponent({
  setup() {
    const print = useLines()
    return () => h('p', print())
  },
})

const Page = defineComponent({
  setup() {
    useClientSession('trip')
    return () => h(Lines)
  },
})

/** Prompts, a complete reply, and one that is streaming. */
async function aConversation() {
  const scene = await startConversation('ai:trip')
  await scene.prompt('p1', 'Where to?')
  const first = await scene.agent.startRun('r1', 'p1')
  await first.say('m1', 'To Lisbon.')
  await first.end()
  await scene.prompt('p2', 'And then?', 'm1')
  const run = await scene.agent.startRun('r2', 'p2')
  const text = await run.text()
  await text.append('Then')
  await scene.prompt('p3', 'Hello?', 'r2-reply')
  const asked: unknown[] = []
  const client = () => {
    const made = scene.endpoint.client({ clientId: 'reader' })
    const channel = made.channels.get('ai:trip')
    const history = channel.history.bind(channel)
    channel.history = (params) => {
      asked.push(params)
      return history(params ?? {})
    }
    return made
  }
  return { ...scene, run, text, client, server: () => scene.endpoint.rest({ clientId: 'server' }), asked }
}

/** The page as a server renders it, which has no window, and the state of its stores. */
async function served(component: Component, server: AITransportOptions['server']) {
  vi.stubGlobal('window', undefined)
  try {
    const app = createSSRApp(component)
    const { plugins, pinia } = aiPlugins({ client: () => expect.unreachable(), server })
    for (const plugin of plugins) app.use(plugin)
    const html = await renderToString(app)
    return { html, state: JSON.stringify(pinia.state.value) }
  } finally {
    vi.unstubAllGlobals()
  }
}

function hydrate(component: Component, { html, state }: { html: string; state: string }, options: AITransportOptions) {
  const host = document.createElement('div')
  host.innerHTML = html
  document.body.append(host)
  const app = createSSRApp(component)
  const { plugins, pinia } = aiPlugins(options)
  pinia.state.value = JSON.parse(state) as typeof pinia.state.value
  for (const plugin of plugins) app.use(plugin)
  app.mount(host)
  apps.push(app)
  return { host, pinia }
}

const partly =
  'sent: Where to?|complete: To Lisbon.|sent: And then?|streaming: Then|sent: Hello?|run complete |run active |'
const whole =
  'sent: Where to?|complete: To Lisbon.|sent: And then?|complete: Then north.|sent: Hello?|run complete |run complete |'

it("the page shows the server's messages, and the reply in flight completes with one page of history", async () => {
  const { client, server, asked, text, run } = await aConversation()
  const page = await served(Page, server)
  expect(page.html).toContain(`${partly}1 pending`)
  await text.append(' nor')
  const { host, pinia } = hydrate(Page, page, { client, linger: 0 })
  const paint = host.innerHTML
  expect(paint).toBe(page.html)
  expect(pinia.state.value['ai-session:trip']).toMatchObject({ rows: [] })
  const paints = new Set<string>()
  const observer = new MutationObserver(() => paints.add(host.textContent))
  observer.observe(host, { subtree: true, childList: true, characterData: true })
  await eventually(() => expect(host.textContent).toContain('ready'))
  await text.append('th.')
  await text.close()
  await run.end()
  await eventually(() => expect(host.textContent).toContain(whole))
  observer.disconnect()
  for (const each of paints) expect(each).toMatch(/^sent: Where to\?\|complete: To Lisbon\.\|sent: And then\?\|/)
  expect(asked).toHaveLength(1)
})

it("a page with `await ready` in setup shows the server's messages", async () => {
  const Waiting = defineComponent({
    async setup() {
      const { ready } = useClientSession('trip')
      const print = useLines(3)
      await ready
      return () => h('p', print())
    },
  })
  const root = () => h(Suspense, () => h(Waiting))
  const { client, server } = await aConversation()
  const page = await served(root, server)
  expect(page.html).toMatch(/<p>sent: And then\?\|streaming: Then\|sent: Hello\?\|.*older true/)
  const { host } = hydrate(root, page, { client, linger: 0 })
  expect(host.innerHTML).toBe(page.html)
  await eventually(() => expect(host.textContent).toMatch(/^sent: And then\?\|streaming: Then\|sent: Hello\?\|.*ready/))
})

it("a component that hydrates after all others have left the session shows the server's messages first", async () => {
  let hydrateNow: () => void = () => expect.unreachable()
  const Lazy = defineAsyncComponent({
    loader: () => Promise.resolve(Page),
    hydrate: (hydrateIt) => void (hydrateNow = hydrateIt),
  })
  const isShown = ref(true)
  const Status = defineComponent({
    setup() {
      const { status } = useClientSession('trip')
      return () => h('b', status.value)
    },
  })
  const LazyPage = (): unknown => [isShown.value ? h(Status) : h('b', 'left'), h(Lazy)]
  const { client, server, prompt } = await aConversation()
  const page = await served(LazyPage as Component, server)
  const { host, pinia } = hydrate(LazyPage as Component, page, { client, linger: 0 })
  await eventually(() => expect(host.querySelector('b')!.textContent).toBe('ready'))
  isShown.value = false
  await eventually(() => expect(pinia.state.value).toEqual({}))
  await prompt('p4', 'Later', 'p3')
  hydrateNow()
  await eventually(() => expect(host.textContent).toMatch(/^left.*sent: Later\|.*ready/))
})

it("a component that hydrates after the conversation has gone on shows the server's messages first", async () => {
  let hydrateNow: () => void = () => expect.unreachable()
  const Lazy = defineAsyncComponent({
    loader: () => Promise.resolve(Lines),
    hydrate: (hydrateIt) => void (hydrateNow = hydrateIt),
  })
  const LazyPage = defineComponent({
    setup() {
      const { status } = useClientSession('trip')
      return () => [h('b', status.value), h(Lazy)]
    },
  })
  const { client, server, text, run, prompt } = await aConversation()
  const page = await served(LazyPage, server)
  const { host } = hydrate(LazyPage, page, { client, linger: 0 })
  await eventually(() => expect(host.querySelector('b')!.textContent).toBe('ready'))
  await text.append(' north.')
  await text.close()
  await run.end()
  await prompt('p4', 'Later', 'p3')
  expect(host.querySelector('p')!.textContent).toContain(partly)
  hydrateNow()
  await eventually(() => expect(host.textContent).toContain(whole.replace('Hello?|', 'Hello?|sent: Later|')))
})

it("a component that hydrates after its page has moved to another session shows the server's messages first", async () => {
  let hydrateNow: () => void = () => expect.unreachable()
  const Lazy = defineAsyncComponent({
    loader: () => Promise.resolve(Lines),
    hydrate: (hydrateIt) => void (hydrateNow = hydrateIt),
  })
  const name = ref<string>()
  // As on a page that learns from its server which chat it shows
  const Chosen = defineComponent({
    async setup() {
      const { status, ready } = useClientSession(name)
      await Promise.resolve()
      name.value = 'trip'
      await ready
      return () => [h('b', `${name.value} ${status.value}`), h(Lazy)]
    },
  })
  const ChosenPage = (): unknown => h(Suspense, () => h(Chosen))
  const { client, server } = await aConversation()
  const page = await served(ChosenPage as Component, server)
  name.value = undefined
  const { host } = hydrate(ChosenPage as Component, page, { client, linger: 0 })
  await eventually(() => expect(host.querySelector('b')!.textContent).toBe('trip ready'))
  name.value = 'elsewhere'
  await eventually(() => expect(host.querySelector('b')!.textContent).toBe('elsewhere ready'))
  hydrateNow()
  await eventually(() => expect(host.querySelector('p')!.textContent).toMatch(/^0 pending.*ready/))
})

it('the page shows why the server could not load, and then the messages that the browser loads', async () => {
  const { client } = await aConversation()
  const page = await served(Page, () => {
    throw new Error('no key')
  })
  expect(page.html).toMatch(/^<p>0 pending.*older true.*error unable to read.*no key/)
  const { host } = hydrate(Page, page, { client, linger: 0 })
  const printed = host.textContent
  expect(page.html).toBe(`<p>${printed.replaceAll('"', '&quot;')}</p>`)
  await eventually(() => expect(host.textContent).toContain(partly))
  expect(host.textContent).toContain('ready, error none')
})

it('the option `rows` is used once: a change of name and a reset load history', async () => {
  const { client, server, endpoint } = await aConversation()
  const page = await served(Page, server)
  const { rows } = (JSON.parse(page.state) as Record<string, { rows: DehydratedSession[] }>)['ai-session:trip']!
  const { plugins, transport } = aiPlugins({ client, linger: 0 })
  const host = document.body.appendChild(document.createElement('div'))
  const app = createSSRApp(
    defineComponent({
      setup() {
        useClientSession('trip', { rows: rows[0] })
        return () => h(Lines)
      },
    }),
  )
  for (const plugin of plugins) app.use(plugin)
  host.innerHTML = page.html
  app.mount(host)
  apps.push(app)
  expect(host.innerHTML).toBe(page.html)
  await eventually(() => expect(host.textContent).toContain('ready'))
  await endpoint.close()
  void transport.reset()
  await eventually(() => expect(host.textContent).not.toContain('Lisbon'))
})
