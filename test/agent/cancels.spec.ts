import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { Refusals } from '../../src/agent/cancels'
import type { Row } from '../../src/core/log'
import { hear, newTree } from '../support/transcripts'
import { runMessage } from '../core/wire'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const cancelBy = (clientId: string, serial: string) => ({ clientId, serial }) as Row

it('a flood of refused cancels is answered with one refusal per client, and a further one after a pause', async () => {
  const published: string[] = []
  const refusals = new Refusals(
    async ({ serial }) => published.push(serial),
    () => undefined,
  )
  for (let count = 10; count < 60; count++) refusals.add(cancelBy('mallory', `${count}`))
  refusals.add(cancelBy('bob', '60'))
  await vi.advanceTimersByTimeAsync(4000)
  expect(published).toEqual(['10', '60'])
  await vi.advanceTimersByTimeAsync(60_000)
  expect(published).toEqual(['10', '60', '59'])
  expect(vi.getTimerCount()).toBe(0)
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
    return tree.info(tree.runs.get('r')!).cancelling
  }
  expect(cancelling()?.refused).toBeUndefined()
  hear(tree, [runMessage('x-ai-cancel-refused', 'r', { 'cancel-serial': newest.serial! })])
  expect(cancelling()).toMatchObject({ by: 'mallory', refused: true })
  hear(tree, [other])
  expect(cancelling()).toMatchObject({ by: 'bob' })
  expect(cancelling()?.refused).toBeUndefined()
})
