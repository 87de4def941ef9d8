import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { waitFor } from '../../src/agent/history'
import { resolvesWithin } from '../../src/core/signals'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** A wait on a channel, with counts of the listeners and reads it leaves behind. */
function channel() {
  const listeners = new Set<() => void>()
  const onHeard = (listener: () => void) => {
    listeners.add(listener)
    return () => listeners.delete(listener)
  }
  let thing: string | undefined
  return {
    onHeard,
    look: () => thing,
    hear(heard?: string) {
      thing = heard
      for (const listener of listeners) listener()
    },
    expectNothingLeft() {
      expect(listeners.size).toBe(0)
      expect(vi.getTimerCount()).toBe(0)
    },
  }
}

/** Reads history until it is stopped. */
function endless() {
  let isReading = false
  const read = async (isOver: () => boolean) => {
    isReading = true
    while (!isOver()) await new Promise((resolve) => setTimeout(resolve, 10))
    isReading = false
  }
  return { read, isReading: () => isReading }
}

describe('a wait on a channel', () => {
  it('resolves with a message that is already there, and reads nothing', async () => {
    const { look, onHeard, hear, expectNothingLeft } = channel()
    const { read, isReading } = endless()
    hear('prompt')
    const found = waitFor({ onHeard }, { look, read, timeout: 1000 })
    expect(isReading()).toBe(false)
    expect(await found).toBe('prompt')
    expectNothingLeft()
  })

  it('checks again after every message, and stops reading', async () => {
    const { look, onHeard, hear, expectNothingLeft } = channel()
    const { read, isReading } = endless()
    const found = waitFor({ onHeard }, { look, read, timeout: 1000 })
    hear()
    await vi.advanceTimersByTimeAsync(500)
    expect(isReading()).toBe(true)
    hear('prompt')
    expect(await found).toBe('prompt')
    await vi.advanceTimersByTimeAsync(10)
    expect(isReading()).toBe(false)
    expectNothingLeft()
  })

  it('gives up after its timeout, and stops reading and listening', async () => {
    const { look, onHeard, expectNothingLeft } = channel()
    const { read, isReading } = endless()
    const found = waitFor({ onHeard }, { look, read, timeout: 1000 })
    await vi.advanceTimersByTimeAsync(1000)
    expect(await found).toBeUndefined()
    await vi.advanceTimersByTimeAsync(10)
    expect(isReading()).toBe(false)
    expectNothingLeft()
  })

  it('waits without a limit if its timeout is infinite', async () => {
    const { look, onHeard, hear } = channel()
    const found = waitFor({ onHeard }, { look, timeout: Number.POSITIVE_INFINITY })
    await vi.advanceTimersByTimeAsync(86_400_000)
    hear('late')
    expect(await found).toBe('late')
  })

  it.each([true, false])('rejects with the reason of an aborted signal (aborted before: %s)', async (isBefore) => {
    const { look, onHeard, expectNothingLeft } = channel()
    const { read, isReading } = endless()
    const controller = new AbortController()
    if (isBefore) controller.abort('stop')
    const found = waitFor({ onHeard }, { look, read, timeout: 1000, signal: controller.signal })
    controller.abort('stop')
    await expect(found).rejects.toBe('stop')
    await vi.advanceTimersByTimeAsync(10)
    expect(isReading()).toBe(false)
    expectNothingLeft()
  })

  it('rejects if reading fails', async () => {
    const { look, onHeard, expectNothingLeft } = channel()
    const found = waitFor({ onHeard }, { look, read: () => Promise.reject(new Error('no history')), timeout: 1000 })
    await expect(found).rejects.toThrow('no history')
    expectNothingLeft()
  })
})

it.each([Number.POSITIVE_INFINITY, 2 ** 40])('a promise may take a day if its limit is %d', async (limit) => {
  const late = resolvesWithin(new Promise((resolve) => setTimeout(resolve, 86_400_000)), limit)
  await vi.advanceTimersByTimeAsync(86_400_000)
  expect(await late).toBe(true)
})
