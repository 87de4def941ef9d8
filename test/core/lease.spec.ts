import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { LingeringLease } from '../../src/core/lease'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

it('a shared thing ends some time after its last user has released it, and not before', () => {
  const end = vi.fn<() => void>()
  const lease = new LingeringLease(end)
  const [first, second] = [lease.acquire(), lease.acquire()]
  first(1000)
  vi.advanceTimersByTime(5000)
  expect(end).not.toHaveBeenCalled()
  second(1000)
  vi.advanceTimersByTime(999)
  expect(end).not.toHaveBeenCalled()
  vi.advanceTimersByTime(1)
  expect(end).toHaveBeenCalledOnce()
})

it.each([Number.POSITIVE_INFINITY, 2 ** 40])('a shared thing stays if its user asks for %d', (linger) => {
  const end = vi.fn<() => void>()
  new LingeringLease(end).acquire()(linger)
  vi.advanceTimersByTime(86_400_000)
  expect(end).not.toHaveBeenCalled()
})
