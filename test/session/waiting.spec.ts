import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { ChannelMessage } from '../../src/core/wire'
import { Listener } from '../support/listener'

const now = Date.UTC(2027, 0, 1)

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'], now }))
afterEach(() => void vi.useRealTimers())

let count = 0
const message = (name: string, transport: Record<string, string>, { age = 0, codec = {}, data = '' } = {}) => {
  const serial = `s${String(++count).padStart(6, '0')}`
  const timestamp = Date.now() - age
  const extras = { ai: { transport, codec } }
  return { action: 'message.create', serial, version: { serial }, name, data, extras, clientId: 'bob', timestamp }
}

const prompt = (id: string, how?: { age: number }): ChannelMessage =>
  message(
    'ai-input',
    { role: 'user', 'codec-message-id': id, 'event-id': `event-${id}`, stream: 'false', discrete: 'true' },
    { ...how, codec: { kind: 'user-message', messageId: id, partType: 'text' }, data: id },
  )
const start = (how?: { age: number }): ChannelMessage =>
  message('ai-run-start', { 'run-id': 'r', 'invocation-id': 'i', 'input-codec-message-id': 'p', parent: 'p' }, how)
const step = (how?: { age: number }): ChannelMessage =>
  message('ai-step-start', { 'run-id': 'r', 'invocation-id': 'i', 'step-id': `step-${count}` }, how)
const cancel = (target: Record<string, string>, how?: { age: number }): ChannelMessage =>
  message('ai-cancel', { 'event-id': `event-${count}`, ...target }, how)

const oldestLast = (...messages: ChannelMessage[]): ChannelMessage[] => messages.toReversed()

it('a prompt is unanswered after twenty seconds without a run, by the clock of this device', async () => {
  const listener = await Listener.on()
  // The publisher's clock can be wrong
  listener.hear([prompt('p', { age: 3_600_000 })])
  expect(listener.view.pending()).toEqual([{ inputId: 'p', clientId: 'bob' }])
  vi.advanceTimersByTime(19_990)
  expect([listener.view.pending()[0]!.unanswered, listener.view.isRunning]).toEqual([undefined, true])
  vi.advanceTimersByTime(20)
  expect(listener.view.pending()).toEqual([{ inputId: 'p', clientId: 'bob', unanswered: true }])
  expect(listener.view.isRunning).toBe(false)
  listener.hear([start()])
  expect([listener.view.pending(), listener.view.isRunning]).toEqual([[], true])
})

it('a prompt that is older than that in history is unanswered at once', async () => {
  vi.useRealTimers()
  const listener = await Listener.on(oldestLast(prompt('old', { age: 60_000 }), prompt('new')))
  await listener.readBack()
  expect(listener.view.pending()).toMatchObject([{ inputId: 'old', unanswered: true }, { inputId: 'new' }])
  expect(listener.view.pending()[1]).not.toHaveProperty('unanswered')
  await listener.session.close()
})

it('S8 a cancel without effect becomes unanswered, for a prompt and for a run', async () => {
  const listener = await Listener.on()
  listener.hear([prompt('p'), cancel({ 'input-codec-message-id': 'p' })])
  vi.advanceTimersByTime(4990)
  expect(listener.view.pending()[0]!.cancelling).toEqual({ by: 'bob', at: now })
  vi.advanceTimersByTime(20)
  expect(listener.view.pending()[0]!.cancelling).toEqual({ by: 'bob', at: now, unanswered: true })
  listener.hear([start()])
  expect(listener.view.runs()[0]!.cancelling).toEqual({ by: 'bob', at: now })
  vi.advanceTimersByTime(5010)
  expect(listener.view.runs()[0]!.cancelling).toMatchObject({ unanswered: true })
  listener.hear([step()])
  expect(listener.view.runs()[0]!.cancelling).not.toHaveProperty('unanswered')
  vi.advanceTimersByTime(4990)
  expect(listener.view.runs()[0]!.cancelling).not.toHaveProperty('unanswered')
  vi.advanceTimersByTime(20)
  expect(listener.view.runs()[0]!.cancelling).toMatchObject({ unanswered: true })
  listener.hear([message('ai-run-end', { 'run-id': 'r', 'invocation-id': 'i', 'run-reason': 'cancelled' })])
  expect(listener.view.runs()[0]).not.toHaveProperty('cancelling')
  expect(listener.view.runs()[0]!.cancelledBy).toEqual({ by: 'bob', at: now })
})

it('S8 a cancel that is older than that in history is unanswered at once, unless the run has gone on since', async () => {
  vi.useRealTimers()
  const age = { age: 60_000 }
  const dead = await Listener.on(oldestLast(prompt('p', age), start(age), cancel({ 'run-id': 'r' }, age)))
  await dead.readBack()
  expect(dead.view.runs()[0]!.cancelling).toMatchObject({ by: 'bob', unanswered: true })
  const rows = oldestLast(prompt('p', age), start(age), cancel({ 'run-id': 'r' }, age), step(age))
  const alive = await Listener.on(rows)
  await alive.readBack()
  expect(alive.view.runs()[0]!.cancelling).not.toHaveProperty('unanswered')
  await Promise.all([dead.session.close(), alive.session.close()])
})

it('an answer that arrives while the reply streams is pending for all clients once the run is suspended', async () => {
  const listener = await Listener.on()
  const begun = [prompt('p'), start()]
  const inRun = { 'run-id': 'r', 'codec-message-id': 'm' }
  const call = message(
    'ai-output',
    { ...inRun, role: 'assistant', stream: 'false', 'invocation-id': 'i', parent: 'p' },
    { codec: { kind: 'tool-input', toolCallId: 'c', toolName: 'look' } },
  )
  const answer = {
    ...message(
      'ai-input',
      { ...inRun, role: 'user', 'event-id': 'event-a' },
      { codec: { kind: 'tool-result', toolCallId: 'c' } },
    ),
    data: { output: 'Oslo' },
  }
  const suspend = message('ai-run-suspend', { 'run-id': 'r', 'invocation-id': 'i' })
  listener.hear([...begun, call, answer])
  expect(listener.view.pending()).toEqual([])
  listener.hear([suspend])
  expect(listener.view.pending()).toMatchObject([{ inputId: 'm', runId: 'r' }])
  listener.hear([message('ai-run-resume', { 'run-id': 'r', 'invocation-id': 'j', 'input-codec-message-id': 'm' })])
  expect(listener.view.pending()).toEqual([])
})
