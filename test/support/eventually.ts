import { vi } from 'vitest'

/** Waits until an assertion passes. */
export const eventually = <T>(assertion: () => T | Promise<T>, timeout = 120_000): Promise<T> =>
  vi.waitFor(assertion, { timeout, interval: 10 })
