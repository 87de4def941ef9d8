import { describe, expect, it } from 'vitest'
import { ChunkReader, stopped } from '../../src/agent/pipe'
import { streamOf } from '../support/agent'

async function all<T>(reader: ChunkReader<T>): Promise<T[]> {
  const chunks: T[] = []
  for (;;) {
    const next = await reader.read()
    if (next === stopped || next.done) return chunks
    chunks.push(next.value)
  }
}

describe('ChunkReader', () => {
  it('reads a ReadableStream', async () => {
    const stream = new ReadableStream<number>({
      start(controller) {
        controller.enqueue(1)
        controller.enqueue(2)
        controller.close()
      },
    })
    expect(await all(new ChunkReader(stream))).toEqual([1, 2])
  })

  it('reads an async iterable', async () => {
    expect(await all(new ChunkReader(streamOf([1, 2])))).toEqual([1, 2])
  })

  it('rejects if the source throws, at once or later', async () => {
    const throwing = { [Symbol.asyncIterator]: () => ({ next: () => { throw new Error('at once') } }) } // prettier-ignore
    await expect(new ChunkReader<never>(throwing).read()).rejects.toThrow('at once')
    const rejecting = { [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new Error('later')) }) }
    await expect(new ChunkReader<never>(rejecting).read()).rejects.toThrow('later')
  })

  it('returns at once when it is stopped, even if the source is silent', async () => {
    const silent = new ReadableStream<number>({})
    const reader = new ChunkReader(silent)
    const next = reader.read()
    reader.stop()
    expect(await next).toBe(stopped)
    expect(await reader.read()).toBe(stopped)
  })

  it('cancels the source, and does not wait for it', async () => {
    const calls: string[] = []
    const source = {
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise<never>(() => {}),
        return: () => {
          calls.push('return')
          return new Promise<never>(() => {})
        },
      }),
    }
    const reader = new ChunkReader<number>(source)
    const next = reader.read()
    reader.stop()
    reader.stop()
    expect(await next).toBe(stopped)
    expect(calls).toEqual(['return'])
  })

  it('has no unhandled rejection if a stopped source fails', async () => {
    const unhandled: unknown[] = []
    const note = (reason: unknown) => unhandled.push(reason)
    process.on('unhandledRejection', note)
    const failing = new ReadableStream<number>({ cancel: () => Promise.reject(new Error('cannot')) })
    const reader = new ChunkReader(failing)
    void reader.read()
    reader.stop()
    await new Promise((resolve) => setImmediate(resolve))
    process.off('unhandledRejection', note)
    expect(unhandled).toEqual([])
  })
})
