import { describe, expect, it } from 'vitest'
import { HandledRequests } from '../../src/agent/intake'

describe('HandledRequests', () => {
  it('handles a request once, and again after a failure', async () => {
    const handled = new HandledRequests<number>(10)
    let begun = 0
    const begin = async () => ++begun
    expect(await Promise.all([handled.once('a', begin), handled.once('a', begin)])).toEqual([1, 1])
    const fail = async (): Promise<number> => {
      throw new Error('no')
    }
    await expect(handled.once('b', fail)).rejects.toThrow('no')
    expect(await handled.once('b', begin)).toBe(2)
  })

  it('forgets the request that was handled first when there are too many', async () => {
    const handled = new HandledRequests<number>(2)
    let begun = 0
    const begin = async () => ++begun
    for (const key of ['a', 'b', 'c', 'b']) await handled.once(key, begin)
    expect(begun).toBe(3)
    expect(await handled.once('a', begin)).toBe(4)
  })
})
