import { describe, expect, it, vi } from 'vitest'
import { runHook, runHookSafely } from '../../src/agent/hooks'

const fail = () => {
  throw new Error('no idea')
}

describe('a hook that is asked', () => {
  it.each([
    ['is not there', undefined, true],
    ['says nothing', () => undefined, true],
    ['says yes later', async () => true, true],
    ['says no', () => false, false],
    ['says no later', async () => false, false],
  ])('and %s', async (_, hook, decision) => {
    expect(await runHook(hook, {}, 'a cancel')).toBe(decision)
    expect(await runHookSafely(hook, {}, 'a cancel', fail)).toBe(decision)
  })

  it.each([
    ['throws', fail],
    ['rejects', async () => fail()],
  ])('and %s fails with 104002, or means no where that is reported', async (_, hook) => {
    const failure = { code: 104002, message: 'unable to decide on a cancel; no idea' }
    await expect(runHook(hook, {}, 'a cancel')).rejects.toMatchObject(failure)
    const report = vi.fn<(error: unknown) => void>()
    expect(await runHookSafely(hook, {}, 'a cancel', report)).toBe(false)
    expect(report).toHaveBeenCalledExactlyOnceWith(expect.objectContaining(failure))
  })
})
