import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { CancelRefusals, Decisions, NewestPerClient } from '../../src/agent/cancel-queues'
import type { Row } from '../../src/core/rows'
import { hear, newTree } from '../support/transcripts'
import { runMessage } from '../core/wire'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const cancelBy = (clientId: string, serial: string) => ({ clientId, serial }) as Row

it('a flood of refused cancels is answered with one refusal per client, and a further one after a pause', async () => {
  const published: string[] = []
  const refusals = new CancelRefusals(() => undefined)
  const run = {}
  const refuse = (clientId: string, serial: string) =>
    void refusals.add(run, { clientId, isDue: () => true, publish: async () => published.push(serial) })
  for (let count = 10; count < 60; count++) refuse('mallory', `${count}`)
  refuse('bob', '60')
  await vi.advanceTimersByTimeAsync(4000)
  expect(published).toEqual(['10', '60'])
  await vi.advanceTimersByTimeAsync(60_000)
  expect(published).toEqual(['10', '60', '59'])
  expect(vi.getTimerCount()).toBe(0)
})

it('refusals of all runs of a session are published at most twice a second, and none of a run that has ended', async () => {
  const times: number[] = []
  const refusals = new CancelRefusals(() => undefined)
  for (let count = 0; count < 20; count++)
    void refusals.add(
      {},
      { clientId: 'mallory', isDue: () => count % 2 === 0, publish: async () => times.push(Date.now()) },
    )
  await vi.advanceTimersByTimeAsync(20_000)
  expect(times.map((time) => time - times[0]!)).toEqual(Array.from({ length: 10 }, (_, index) => index * 500))
})

it('a hook that refuses is asked about a flood of one client once a second, and about other clients at once', async () => {
  const asked: string[] = []
  const decisions = new Decisions(async ({ serial, clientId }) => {
    asked.push(serial)
    return clientId === 'alice'
  })
  for (let count = 100; count < 200; count++) void decisions.on(cancelBy('mallory', `${count}`))
  expect(asked).toEqual(['100'])
  const last = decisions.on(cancelBy('mallory', '200'))
  await expect(decisions.on(cancelBy('alice', '201'))).resolves.toBe(true)
  await expect(last).resolves.toBe(false)
  expect(asked).toEqual(['100', '201', '200'])
  for (let count = 300; count < 900; count++) {
    void decisions.on(cancelBy('mallory', `${count}`))
    await vi.advanceTimersByTimeAsync(100)
  }
  expect(asked.length).toBeLessThan(3 + 5 + 61)
  await vi.advanceTimersByTimeAsync(1000)
  expect(asked.at(-1)).toBe('899')
})

it('an item that is not handled is given back: one that a newer one replaces, and one of too many clients', () => {
  const handled: Row[] = []
  const queue = new NewestPerClient<Row>((item) => {
    handled.push(item)
    return new Promise(() => {})
  }, 1)
  const [first, second, third, other] = [cancelBy('a', '1'), cancelBy('a', '2'), cancelBy('a', '3'), cancelBy('b', '4')]
  expect([first, second, third, other].map((item) => queue.add(item))).toEqual([undefined, undefined, second, other])
  expect(handled).toEqual([first])
})

it('a refusal covers only earlier cancels of the same client', () => {
  const tree = newTree()
  const cancel = (clientId: string) => ({ ...runMessage('ai-cancel', 'r', {}), clientId })
  const first = cancel('mallory')
  const newest = cancel('mallory')
  const other = cancel('bob')
  hear(tree, [runMessage('ai-run-start', 'r', { 'input-codec-message-id': 'p' }), first, newest])
  const cancelling = () => {
    tree.settle()
    return tree.runs.get('r')!.info().cancelling
  }
  expect(cancelling()?.refused).toBeUndefined()
  const refused = { 'cancel-serial': newest.serial!, 'cancel-client-id': 'mallory' }
  hear(tree, [runMessage('x-ai-cancel-refused', 'r', refused)])
  expect(cancelling()).toMatchObject({ by: 'mallory', refused: true })
  hear(tree, [other])
  expect(cancelling()).toMatchObject({ by: 'bob' })
  expect(cancelling()?.refused).toBeUndefined()
})
