import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { Deadlines } from '../../src/session/scheduling'

beforeEach(() => void vi.useFakeTimers({ now: 1_000_000 }))
afterEach(() => void vi.useRealTimers())

const row = (serial: string) => ({ serial, timestamp: 5 }) as Parameters<Deadlines<unknown>['since']>[0]

it("the age of a message counts from its arrival here, and for the oldest of many by the channel's clock", () => {
  const clock = new Deadlines(() => undefined)
  for (let index = 0; index <= 1000; index++) clock.hear(`s${index}`)
  expect(clock.since(row('s1000'))).toBe(1_000_000)
  expect(clock.since(row('s1'))).toBe(1_000_000)
  expect(clock.since(row('s0'))).toBe(5)
})
