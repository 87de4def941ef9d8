import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Channel } from '../../src/ably/session-channel'
import { deferred } from '../../src/core/signals'
import type { OutgoingMessage } from '../../src/core/wire'
import { Outbox } from '../../src/ably/outbox'
import { rateOf } from '../../src/ably/rate'

afterEach(() => void vi.useRealTimers())

const outage = new Error('away')
const letter = (name: string): OutgoingMessage[] => [{ name, extras: { ai: { transport: {} } } }]

/** A channel whose publishes the test resolves or rejects. @param order - gets the names of all published messages */
function aChannel(connection: object = {}, order: string[] = []) {
  const attempts: { name: string; settle: ReturnType<typeof deferred<string[]>> }[] = []
  const channel = {
    connection,
    isAttached: true,
    isConnected: true,
    isOutage: (cause: unknown) => cause === outage,
    publish: ([message]: OutgoingMessage[]) => {
      const settle = deferred<string[]>()
      attempts.push({ name: message!.name!, settle })
      order.push(message!.name!)
      return settle.promise
    },
  }
  // The part of a channel that an outbox uses
  const outbox = new Outbox(channel as unknown as Channel, () => Promise.resolve())
  return { channel, outbox, attempts, names: () => attempts.map(({ name }) => name).join(' ') }
}

it('publishes that the SDK returned are sent before newer ones', async () => {
  const { channel, outbox, attempts, names } = aChannel()
  const published = [outbox.publish(letter('a')), outbox.publish(letter('b'))]
  channel.isAttached = channel.isConnected = false
  published.push(outbox.publish(letter('c')))
  for (const { settle } of attempts.splice(0).toReversed()) settle.reject(outage)
  await new Promise(setImmediate)
  channel.isAttached = channel.isConnected = true
  outbox.flush()
  expect(names()).toBe('a b c')
  for (const [index, { settle }] of attempts.entries()) settle.resolve([`s${index}`])
  expect(await Promise.all(published)).toEqual([['s0'], ['s1'], ['s2']])
})

it('a Stop does not wait for a prompt that waits for missed messages; later prompts do', async () => {
  const { outbox, names } = aChannel()
  let isNeeded: boolean | undefined
  void outbox.publish(letter('ai-input'), () => isNeeded)
  void outbox.publish(letter('later'))
  void outbox.publish(letter('ai-cancel'))
  await new Promise(setImmediate)
  expect(names()).toBe('ai-cancel')
  isNeeded = true
  outbox.flush()
  expect(names()).toBe('ai-cancel ai-input later')
})

it('a closed outbox leaves no timer behind, which would keep a Node process alive', () => {
  vi.useFakeTimers()
  const connection = {}
  const boxes = [aChannel(connection), aChannel(connection)]
  for (const { outbox } of boxes)
    for (let index = 0; index < 40; index++) void outbox.publish(letter('a')).catch(String)
  expect(vi.getTimerCount()).toBeGreaterThan(0)
  boxes[0]!.outbox.close(new Error('closed'))
  expect(vi.getTimerCount()).toBeGreaterThan(0)
  boxes[1]!.outbox.close(new Error('closed'))
  expect(vi.getTimerCount()).toBe(0)
})

it('a publish that succeeds after the close leaves no timer behind', async () => {
  vi.useFakeTimers()
  const { channel, outbox, attempts } = aChannel()
  const published = [outbox.publish(letter('a')), outbox.publish(letter('b'))]
  attempts[0]!.settle.reject({ code: 42_913, statusCode: 429 })
  await vi.advanceTimersByTimeAsync(1)
  rateOf(channel.connection).slowDown()
  outbox.close(new Error('closed'))
  attempts[1]!.settle.resolve(['s'])
  expect(await published[1]).toEqual(['s'])
  await expect(published[0]).rejects.toThrow('closed')
  expect(vi.getTimerCount()).toBe(0)
})

it('a publish is retried a little later if the connection is still up', async () => {
  vi.useFakeTimers()
  const { outbox, attempts, names } = aChannel()
  const published = outbox.publish(letter('a'))
  attempts[0]!.settle.reject(outage)
  await vi.advanceTimersByTimeAsync(200)
  expect(names()).toBe('a')
  await vi.advanceTimersByTimeAsync(100)
  expect(names()).toBe('a a')
  attempts[1]!.settle.resolve(['s'])
  expect(await published).toEqual(['s'])
})

describe('after a refusal for the rate', () => {
  const tooFast = { code: 42_913, statusCode: 429 }

  it('one message is published first, and the others once it is accepted, in order', async () => {
    vi.useFakeTimers()
    const { outbox, attempts, names } = aChannel()
    const published = ['a', 'b', 'c', 'd'].map((name) => outbox.publish(letter(name)))
    const refused = attempts.splice(0)
    for (const { settle } of refused.toReversed()) settle.reject(tooFast)
    await vi.advanceTimersByTimeAsync(1000)
    expect(names()).toBe('')
    await vi.advanceTimersByTimeAsync(1200)
    expect(names()).toMatch(/^a/)
    expect(attempts.length).toBeLessThanOrEqual(2)
    attempts[0]!.settle.resolve(['s0'])
    await vi.advanceTimersByTimeAsync(1200)
    expect(names()).toBe('a b c d')
    for (const [index, { settle }] of attempts.entries()) settle.resolve([`s${index}`])
    expect(await Promise.all(published)).toEqual([['s0'], ['s1'], ['s2'], ['s3']])
  })

  it('clients try again at different moments', async () => {
    vi.useFakeTimers()
    const channels = Array.from({ length: 20 }, () => aChannel())
    for (const { outbox, attempts } of channels) {
      void outbox.publish(letter('a'))
      attempts.splice(0)[0]!.settle.reject(tooFast)
    }
    const counts = new Set<number>()
    for (let step = 0; step < 30; step++) {
      await vi.advanceTimersByTimeAsync(100)
      counts.add(channels.filter(({ attempts }) => attempts.length > 0).length)
    }
    expect(Math.max(...counts)).toBe(20)
    expect(counts.size).toBeGreaterThan(4)
  })
})

it('a refused publish rejects, and waiting ones reject when the outbox closes', async () => {
  const { channel, outbox, attempts } = aChannel()
  const refused = outbox.publish(letter('a'))
  attempts[0]!.settle.reject(new Error('too large'))
  await expect(refused).rejects.toThrow('too large')
  channel.isAttached = false
  const waiting = outbox.publish(letter('b'))
  outbox.close(new Error('closed'))
  await expect(waiting).rejects.toThrow('closed')
  await expect(outbox.publish(letter('c'))).rejects.toThrow('closed')
  outbox.flush()
  expect(attempts).toHaveLength(1)
})

describe('many messages at once', () => {
  const publishMany = (outbox: Outbox, count: number) => {
    for (let index = 0; index < count; index++) void outbox.publish(letter(String(index)))
  }

  it('stay below the rate of the connection, also when its sessions publish at the same moment', async () => {
    vi.useFakeTimers()
    const connection = {}
    const sessions = Array.from({ length: 3 }, () => aChannel(connection))
    for (const { outbox } of sessions) publishMany(outbox, 40)
    const published = () => sessions.reduce((count, { attempts }) => count + attempts.length, 0)
    let before = 0
    for (let second = 1; published() < 120; second++) {
      expect(published() - before).toBeLessThanOrEqual(50)
      before = published()
      await vi.advanceTimersByTimeAsync(1000)
      expect(second).toBeLessThan(10)
    }
    for (const { names } of sessions) expect(names()).toBe(Array.from({ length: 40 }, (_, index) => index).join(' '))
  })

  it('of one session leave room for another one of the connection', () => {
    vi.useFakeTimers()
    const connection = {}
    publishMany(aChannel(connection).outbox, 200)
    const other = aChannel(connection)
    void other.outbox.publish(letter('stop'))
    expect(other.names()).toBe('stop')
  })

  it('of several sessions leave room for another one of the connection, while theirs go on', async () => {
    vi.useFakeTimers()
    const connection = {}
    for (const { outbox } of [aChannel(connection), aChannel(connection)]) publishMany(outbox, 400)
    const other = aChannel(connection)
    await vi.advanceTimersByTimeAsync(2200)
    void other.outbox.publish(letter('hello'))
    await vi.advanceTimersByTimeAsync(1100)
    expect(other.names()).toBe('hello')
  })

  it('of several sessions that wait for their connection are published in turn', async () => {
    vi.useFakeTimers()
    const connection = {}
    for (const { outbox } of [aChannel(connection), aChannel(connection)]) publishMany(outbox, 40)
    const order: string[] = []
    const sessions = ['a', 'b', 'c'].map((name) => ({ name, outbox: aChannel(connection, order).outbox }))
    for (const { name, outbox } of sessions) for (const index of [0, 1, 2]) void outbox.publish(letter(name + index))
    expect(order).toEqual([])
    await vi.advanceTimersByTimeAsync(1200)
    expect(order.join(' ')).toBe('a0 b0 c0 a1 b1 c1 a2 b2 c2')
  })

  it('get faster again after an agent of the connection was refused for the rate, also if it publishes no more', async () => {
    vi.useFakeTimers()
    const connection = {}
    for (let refusal = 0; refusal < 3; refusal++) {
      rateOf(connection).slowDown()
      await vi.advanceTimersByTimeAsync(3000)
    }
    const { outbox, attempts } = aChannel(connection)
    publishMany(outbox, 200)
    expect(attempts.length).toBeLessThan(10)
    while (attempts.length < 200) await vi.advanceTimersByTimeAsync(1000)
    await vi.advanceTimersByTimeAsync(1100)
    const other = aChannel(connection)
    publishMany(other.outbox, 30)
    expect(other.attempts).toHaveLength(30)
  })

  it('of one connection do not slow down another connection', () => {
    vi.useFakeTimers()
    const [one, other] = [aChannel(), aChannel()]
    for (const { outbox } of [one, other]) publishMany(outbox, 30)
    expect([one.attempts.length, other.attempts.length]).toEqual([30, 30])
  })
})
