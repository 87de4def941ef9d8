import type { InboundMessage } from 'ably'
import { effectScope, watch } from 'vue'
import { expect, it } from 'vitest'
import { UIMessageCodec, useClientSession, useRun, useRuns } from '../../src'
import { output, prompt, runMessage } from '../core/wire'
import { bareApp } from '../support/app'
import { eventually } from '../support/eventually'
import { FakeChannel, fakeAbly } from '../support/fake-ably'
import { started } from '../support/told-session'

/** A session in its own effect scope, like that of a component. */
function used<T>(setup: () => T, linger = 5000) {
  const app = bareApp({ client: fakeAbly(new FakeChannel()), flush: 'sync', linger })
  const scope = effectScope()
  const enter = <R>(what: () => R, where = scope): R => app.runWithContext(() => where.run(what))!
  return { scope, enter, made: enter(setup) }
}

it('a listener that is added after its scope has ended receives no events', async () => {
  const { scope, made } = used(() => useClientSession('trip'))
  await made.ready
  scope.stop()
  let heard = 0
  made.session.view.on('update', () => heard++)
  await made.session.view.send('x')
  expect(heard).toBe(0)
})

it('a session that its handle closed is a new session for the next component', async () => {
  const { enter, made } = used(() => useClientSession('trip'))
  await made.ready
  await made.session.close()
  const next = enter(() => useClientSession('trip'), effectScope())
  await next.ready
  expect(next.status.value).toBe('ready')
})

it('lists of runs and replies stay the same objects while other prompts are sent', async () => {
  let changes = 0
  const { made } = used(() => {
    const session = useClientSession('trip')
    const { messages } = useRun('R')
    const { runs, active } = useRuns({ scope: 'session' })
    watch([messages, runs, active], () => changes++, { flush: 'sync' })
    return session
  })
  await made.ready
  const { view } = made.session
  for (const text of ['one', 'two', 'three']) await view.send(text)
  expect(view.getMessages()).toHaveLength(3)
  expect(changes).toBe(0)
  expect(made.session.tree.runs()).toBe(made.session.tree.runs())
})

/** A session whose echoes arrive before the channel accepts the publish, and are shown with a later frame. */
async function withEarlyEchoes() {
  const woken: string[] = []
  const agent = ({ inputEventId }: { inputEventId: string }) => void woken.push(inputEventId)
  const channel = new FakeChannel()
  const publish = channel.publish.bind(channel)
  let turn: Promise<void> | undefined
  channel.publish = async (messages) => {
    // Publishes that are under way together are accepted together
    await (turn ??= new Promise<void>((resolve) => setTimeout(resolve)).finally(() => (turn = undefined)))
    return publish(messages)
  }
  const app = bareApp({ client: fakeAbly(channel), agent })
  const { ready, session } = app.runWithContext(() => effectScope().run(() => useClientSession('trip')))!
  await ready
  return { channel, view: session.view, woken }
}

it('a prompt wakes the agent once', async () => {
  const { view, woken } = await withEarlyEchoes()
  await view.send('x')
  expect(woken).toHaveLength(1)
})

it('an answer wakes the agent once', async () => {
  const { channel, view, woken } = await withEarlyEchoes()
  const suspend = runMessage('ai-run-suspend', 'r', { 'invocation-id': 'r-1' })
  const call = output('r', { kind: 'tool-input', toolCallId: 'c', toolName: 'look' })
  for (const message of [prompt('p'), started('r', 'p'), call, suspend]) channel.deliver(message as InboundMessage)
  await eventually(() => expect(view.getMessages()).toHaveLength(2))
  await view.answer('m', UIMessageCodec.createToolOutput({ toolCallId: 'c', output: 'Oslo' }))
  expect(woken).toHaveLength(1)
})

it('two answers that are accepted together wake the agent once', async () => {
  const { channel, view, woken } = await withEarlyEchoes()
  const suspend = runMessage('ai-run-suspend', 'r', { 'invocation-id': 'r-1' })
  const calls = ['c', 'd'].map((toolCallId) => output('r', { kind: 'tool-input', toolCallId, toolName: 'look' }))
  for (const message of [prompt('p'), started('r', 'p'), ...calls, suspend]) channel.deliver(message as InboundMessage)
  await eventually(() => expect(view.getMessages()).toHaveLength(2))
  const answer = (toolCallId: string) =>
    view.answer('m', UIMessageCodec.createToolOutput({ toolCallId, output: 'Oslo' }))
  await Promise.all([answer('c'), answer('d')])
  expect(woken).toHaveLength(1)
})
