import { renderToString } from '@vue/server-renderer'
import {
  createApp,
  createSSRApp,
  defineAsyncComponent,
  defineComponent,
  h,
  ref,
  Suspense,
  type App,
  type Component,
} from 'vue'
import { mapState } from 'pinia'
import { expect, it, vi } from 'vitest'
import {
  defineSessionStore,
  useBranch,
  useClientSession,
  useConnection,
  useRuns,
  useView,
  type DehydratedSession,
} from '../../src'
import type { AITransportOptions } from '../../src/store/transport'
import { aiPlugins } from '../support/app'
import { guardConsole } from '../support/console-guard'
import { promptMessage, startConversation } from '../support/conversation'
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

function hydrate(
  component: Component,
  { html = '', state }: { html?: string; state: string },
  options: AITransportOptions,
) {
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

it('components with different limits show as many messages as the server has rendered for each of them', async () => {
  const scene = await startConversation('ai:trip')
  for (let index = 0; index < 50; index++)
    await scene.prompt(`p${index}`, `${index}`, index > 0 ? `p${index - 1}` : undefined)
  const counting = (limit?: number, inside?: Component) =>
    defineComponent({
      setup() {
        const { messages, blocks, hasOlder } = useView({ limit })
        return () => [
          h('p', `${messages.value.length} in ${blocks.value.length}, ${hasOlder.value}`),
          inside && h(inside),
        ]
      },
    })
  const [Many, Few] = [counting(60), counting(5)]
  const Usual = counting(undefined, Many)
  const Root = defineComponent({
    setup() {
      useClientSession('trip')
      return () => [h(Few), h(Usual), h(Few)]
    },
  })
  const page = await served(Root, () => scene.endpoint.rest())
  const lines = (html: string) => [...html.matchAll(/<p>(.*?)<\/p>/g)].map(([, line]) => line)
  expect(lines(page.html)).toEqual(['5 in 1, true', '30 in 1, true', '50 in 1, false', '5 in 1, true'])
  const { host } = hydrate(Root, page, { client: () => scene.endpoint.client(), linger: 0 })
  expect(host.innerHTML).toBe(page.html)
  await eventually(() => expect(lines(host.innerHTML)).toEqual(Array(4).fill('50 in 1, false')))
})

it('a component with limit 0 shows no message, until older ones are loaded', async () => {
  const { client, server } = await aConversation()
  const Button = defineComponent({
    setup() {
      useClientSession('trip')
      const { messages, hasOlder, loadOlder } = useView({ limit: 0 })
      const { status } = useClientSession()
      return () =>
        h('button', { onClick: () => loadOlder() }, `${messages.value.length}, ${hasOlder.value}, ${status.value}`)
    },
  })
  const page = await served(Button, server)
  expect(page.html).toContain('0, true, idle')
  const { host } = hydrate(Button, page, { client, linger: 0 })
  expect(host.innerHTML).toBe(page.html)
  await eventually(() => expect(host.textContent).toBe('0, true, ready'))
  host.querySelector('button')!.click()
  await eventually(() => expect(host.textContent).toMatch(/^[1-9]\d*, false, ready/))
})

it('a component with limit 0 shows no message of a page that no server has rendered', async () => {
  const { client } = await aConversation()
  const Count = defineComponent({
    setup() {
      const { status } = useClientSession('trip')
      const { messages, hasOlder } = useView({ limit: 0 })
      return () => h('p', `${messages.value.length}, ${hasOlder.value}, ${status.value}`)
    },
  })
  const host = document.body.appendChild(document.createElement('div'))
  const app = createApp(Count)
  for (const plugin of aiPlugins({ client, linger: 0 }).plugins) app.use(plugin)
  app.mount(host)
  apps.push(app)
  await eventually(() => expect(host.textContent).toBe('0, true, ready'))
})

it('a page about an older version of a prompt shows it from the first paint on', async () => {
  const { client, server, writer, agent } = await aConversation()
  const edit = promptMessage('p4', 'Where to, without planes?')
  Object.assign(edit.extras.ai.transport, { 'fork-of': 'p1' })
  await writer.channels.get('ai:trip').publish([edit])
  const Linked = defineComponent({
    async setup() {
      const { ready } = useClientSession('trip')
      const { messages, select } = useView()
      const { index, count } = useBranch(() => messages.value[0]?.id)
      await ready
      select('p4', 0)
      return () =>
        h('p', `${index.value} of ${count.value}: ${messages.value.map((each) => textOf(each.message)).join()}`)
    },
  })
  const root = () => h(Suspense, () => h(Linked))
  const page = await served(root, server)
  expect(page.html).toMatch(/0 of 2: Where to\?,To Lisbon\./)
  const { host } = hydrate(root, page, { client, linger: 0 })
  expect(host.innerHTML).toBe(page.html)
  await agent.startRun('r5', 'p3')
  await eventually(() => expect(host.textContent).toMatch(/^0 of 2: Where to\?,To Lisbon\./))
})

it.each([
  ['without facts', {}],
  ['with other facts', { facts: null, rows: [] }],
  ['a text', 'rows'],
  ['a list', []],
  ['with other rows', { facts: { status: 'idle' }, rows: 7 }],
  ['with other picks', { facts: { status: 'idle' }, rows: [{ v: 1, session: 'ai:trip', until: '', texts: [], rows: [], hasOlder: true, shown: 'all', picked: 7, following: [null] }] }], // prettier-ignore
])('a page whose state is of another form reads the conversation from the channel: %s', async (_, state) => {
  vi.spyOn(console, 'warn').mockImplementation(() => undefined)
  const { client } = await aConversation()
  const { host } = hydrate(Page, { state: JSON.stringify({ 'ai-session:trip': state }) }, { client, linger: 0 })
  await eventually(() => expect(host.textContent).toContain(`${partly}1 pending`))
})

it('a server does not read for a store that only a template uses, so the payload has no more than the HTML', async () => {
  const useTrip = defineSessionStore('trip', { name: 'trip' })
  const Shop = defineComponent({
    computed: mapState(useTrip, ['status', 'messages']),
    render() {
      return h('p', `${this.status} ${this.messages.length}`)
    },
  })
  const Slow = defineComponent({
    async setup() {
      await new Promise((resolve) => setTimeout(resolve))
      return () => h('b')
    },
  })
  const root = () => h(Suspense, () => h('div', [h(Shop), h(Slow)]))
  const { client } = await aConversation()
  const page = await served(root, () => expect.unreachable())
  expect(page.html).toContain('<p>idle 0</p>')
  const { host } = hydrate(root, page, { client, linger: 0 })
  expect(host.innerHTML).toBe(page.html)
  await eventually(() => expect(host.textContent).toBe('ready 5'))
})
