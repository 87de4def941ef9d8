import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { createPinia } from 'pinia'
import { expect, it } from 'vitest'
import { createApp, effectScope, toRaw, watchEffect, type App } from 'vue'
import { createAITransport, useClientSession, useView } from '../../src'
import { historyOf } from '../support/channel-table'
import { eventually } from '../support/eventually'
import { FakeChannel, fakeAbly } from '../support/fake-ably'
import { output, prompt, runMessage } from '../core/wire'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

const turn = (id: string) => [
  prompt(`p${id}`),
  runMessage('ai-run-start', `r${id}`, { parent: `p${id}`, 'input-codec-message-id': `p${id}` }),
  output(`r${id}`, { kind: 'text' }, 'Hi', { 'codec-message-id': `m${id}` }),
  runMessage('ai-run-end', `r${id}`, { 'run-reason': 'complete' }),
]

/** Uses the session of a channel as a component does until it is unmounted; answers with objects of the session. */
async function useOnce(app: App, channel: FakeChannel): Promise<Map<string, WeakRef<object>>> {
  const scope = effectScope()
  const { session, view, ready } = app.runWithContext(() =>
    scope.run(() => {
      const { session, ready } = useClientSession(channel.name)
      const view = useView({ session })
      watchEffect(() => void view.messages.value.map(({ message }) => message.parts.length))
      return { session, view, ready }
    })!,
  )
  await ready
  for (const message of turn('live')) channel.deliver(message as never)
  await eventually(() => expect(view.messages.value).toHaveLength(4))
  const [first] = view.messages.value
  const objects = { session, view: view.view, tree: session.tree, message: toRaw(first!.message), shown: first! }
  const held = new Map(Object.entries(objects).map(([name, object]) => [name, new WeakRef<object>(object)]))
  scope.stop()
  return held
}

it('nothing of a session stays after its last lease, while the app and the client live on', async () => {
  const past = historyOf(turn('past'))
  const channel = new FakeChannel((from, to) => past.slice(from, to) as never)
  const app = createApp({})
  app.use(createPinia()).use(createAITransport({ client: fakeAbly(channel), agents: () => true, linger: 0 }))
  const held = await useOnce(app, channel)
  // NOTE: work that still waits for a task of its own holds its objects until then
  await eventually(() => {
    collectGarbage()
    expect([...held].filter(([, object]) => object.deref() !== undefined).map(([name]) => name)).toEqual([])
  })
  expect(channel).toBeDefined()
  expect(app).toBeDefined()
})
