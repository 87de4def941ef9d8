import * as Ably from 'ably'
import type { UIMessage, UIMessageChunk } from 'ai'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { HistoryPage } from '../../src/ably/history-page'
import { createAgentSession } from '../../src/agent'
import type { ChannelSession } from '../../src/agent/agent-session'
import { History, TriggerIndex } from '../../src/agent/history'
import { findTrigger, waitForText } from '../../src/agent/lookup'
import { newTree } from '../support/transcripts'
import { scene } from './scene'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const past = scene().prompt('p1', 'one').prompt('p2', 'two', 'p1').prompt('p3', 'three', 'p2')

function channelWith({ history = past.messages, pageSize = 1, fails = false } = {}) {
  const tree = newTree()
  const triggers = new TriggerIndex()
  const listeners = new Set<() => void>()
  const take = (message: (typeof history)[number]) => {
    tree.apply(message)
    triggers.add(tree.log.get(message.serial!)!)
  }
  const hear = (...messages: typeof history) => {
    messages.forEach(take)
    listeners.forEach((listener) => listener())
  }
  const onHeard = (listener: () => void) => {
    listeners.add(listener)
    return () => listeners.delete(listener)
  }
  let pagesRead = 0
  const newestFirst = history.toReversed()
  const page = (start: number) => async (): Promise<HistoryPage> => {
    if (fails) throw new Error('no history')
    pagesRead++
    const end = start + pageSize
    return { items: newestFirst.slice(start, end), next: end < newestFirst.length ? page(end) : undefined }
  }
  const reader = new History(page(0), (messages) => hear(...messages))
  const { signal, abort } = aborter()
  return { tree, triggers, history: reader, onHeard, listeners, hear, signal, abort, pagesRead: () => pagesRead }
}

const aborter = () => {
  const controller = new AbortController()
  return { signal: controller.signal, abort: (reason?: unknown) => controller.abort(reason) }
}

const find = (eventId: string, channel: ReturnType<typeof channelWith>) =>
  findTrigger(channel, eventId, { signal: channel.signal })

describe('findTrigger', () => {
  it('reads no more history than necessary', async () => {
    const channel = channelWith()
    expect((await find('event-p2', channel)).transport['event-id']).toBe('event-p2')
    expect(channel.pagesRead()).toBe(2)
  })

  it('reads no history for an input that has already arrived', async () => {
    const channel = channelWith()
    channel.hear(past.messages[2]!)
    await find('event-p3', channel)
    expect(channel.pagesRead()).toBe(0)
  })

  it('finds an input that arrives after the lookup began', async () => {
    const channel = channelWith({ history: [] })
    const found = find('event-p1', channel)
    await vi.advanceTimersByTimeAsync(9000)
    channel.hear(past.messages[0]!)
    expect((await found).serial).toBe(past.messages[0]!.serial)
  })

  it('gives up after 10 seconds with 104010', async () => {
    const failure = find('event-p9', channelWith()).catch((error: unknown) => error)
    await vi.advanceTimersByTimeAsync(10_000)
    expect(await failure).toMatchObject({ code: 104010, message: expect.stringContaining('event-p9') })
    expect(vi.getTimerCount()).toBe(0)
  })

  it('reads a bounded number of messages for an input that does not exist', async () => {
    const history = scene()
    for (let n = 0; n < 20; n++) history.prompt(`q${n}`, 'text')
    const channel = channelWith({ history: history.messages })
    const failure = findTrigger(channel, 'event-p9', { signal: channel.signal, maxMessages: 7 }).catch(
      (error: unknown) => error,
    )
    await vi.advanceTimersByTimeAsync(10_000)
    expect(await failure).toMatchObject({ code: 104010 })
    expect(channel.pagesRead()).toBe(7)
  })

  it('stops with 40033 if it is aborted', async () => {
    const channel = channelWith({ history: [] })
    const failure = find('event-p1', channel)
    channel.abort()
    await expect(failure).rejects.toMatchObject({ code: 40033 })
    expect(vi.getTimerCount()).toBe(0)
  })

  it('fails at once if history cannot be read', async () => {
    await expect(find('event-p1', channelWith({ fails: true }))).rejects.toThrow('no history')
    expect(vi.getTimerCount()).toBe(0)
  })

  it('reads each page once for concurrent lookups', async () => {
    const channel = channelWith()
    await Promise.all([find('event-p1', channel), find('event-p2', channel)])
    expect(channel.pagesRead()).toBe(3)
  })
})

describe('an agent session', () => {
  it('requests 1000 messages per page', async () => {
    const client = new Ably.Realtime({ key: 'app.key:secret', autoConnect: false })
    const session = createAgentSession({ client, sessionName: 'ai:pages' }) as ChannelSession<UIMessage, UIMessageChunk>
    const asked = vi.spyOn(session.channel.ably, 'history').mockResolvedValue({ items: [], next: undefined })
    await session.channel.history.readUntil(() => false)
    expect(asked).toHaveBeenCalledExactlyOnceWith(1000)
  })

  it.each([0, -1, 1001, 1.5, NaN])('refuses pages of %s messages with 40003', (historyPageSize) => {
    const client = new Ably.Realtime({ key: 'app.key:secret', autoConnect: false })
    const open = () => createAgentSession({ client, sessionName: 'ai:pages', historyPageSize })
    expect(open).toThrow(expect.objectContaining({ code: 40003, message: expect.stringContaining('1 to 1000') }))
    expect(client.channels.all).toEqual({})
  })

  it.each([0, -1, NaN])('refuses a rate of %s with 40003', (maxRate) => {
    const client = new Ably.Realtime({ key: 'app.key:secret', autoConnect: false })
    const open = () => createAgentSession({ client, sessionName: 'ai:rates', maxRate })
    expect(open).toThrow(expect.objectContaining({ code: 40003, message: expect.stringContaining('maxRate') }))
  })
})

describe('waitForText', () => {
  const beginning = scene().prompt('p1', 'one').run('r1', 'p1').text('m1', 'Day one')

  it('waits until the streams of a run are closed, because the message that continues the run can overtake them', async () => {
    const channel = channelWith({ history: [] })
    channel.hear(...beginning.messages)
    let isRead = false
    const reading = waitForText(channel, 'r1').then(() => (isRead = true))
    await vi.advanceTimersByTimeAsync(1000)
    expect(isRead).toBe(false)
    const text = beginning.messages.at(-1)!
    const ai = (text.extras as { ai: { transport: object } }).ai
    const closed = { ...ai, transport: { ...ai.transport, status: 'complete' } }
    channel.hear({
      ...text,
      action: 'message.update',
      extras: { ai: closed },
      version: { serial: `${text.serial}-2` },
    })
    await reading
    expect(channel.listeners.size).toBe(0)
  })

  it('gives up a stream that a dead agent left open', async () => {
    const channel = channelWith({ history: [] })
    channel.hear(...beginning.messages)
    const reading = waitForText(channel, 'r1')
    await vi.advanceTimersByTimeAsync(2000)
    await reading
    expect(channel.listeners.size).toBe(0)
  })
})
