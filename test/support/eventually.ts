import { vi } from 'vitest'

/** Waits until an assertion passes; it is tried each `interval` milliseconds. */
export const eventually = <T>(assertion: () => T | Promise<T>, timeout = 120_000, interval = 10): Promise<T> =>
  vi.waitFor(assertion, { timeout, interval })
