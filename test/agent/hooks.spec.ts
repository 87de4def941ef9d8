import { describe, expect, it, vi } from 'vitest'
import { orRefuse, runHook } from '../../src/agent/hooks'

const fail = () => {
  throw new Error('no idea')
}

describe('a hook', () => {
  it.each([
    ['is missing', undefined, true],
    ['returns nothing', () => undefined, true],
    ['resolves with true', async () => true, true],
    ['returns false', () => false, false],
    ['resolves with false', async () => false, false],
  ])('that %s', async (_, hook, decision) => {
    expect(await runHook(hook, {}, 'a cancel')).toBe(decision)
    expect(await orRefuse(runHook(hook, {}, 'a cancel'), fail)).toBe(decision)
  })

  it.each([
    ['throws', fail],
    ['rejects', async () => fail()],
  ])('that %s fails with 104002, or counts as false if the error is reported', async (_, hook) => {
    const failure = { code: 104002, message: 'unable to decide on a cancel; no idea' }
    await expect(runHook(hook, {}, 'a cancel')).rejects.toMatchObject(failure)
    const report = vi.fn<(error: unknown) => void>()
    expect(await orRefuse(runHook(hook, {}, 'a cancel'), report)).toBe(false)
    expect(report).toHaveBeenCalledExactlyOnceWith(expect.objectContaining(failure))
  })
})
