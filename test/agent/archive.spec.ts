import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { UIMessageCodec } from '../../src'
import { ArchiveWriter, type AgentArchive } from '../../src/agent/archive'
import { trustOf } from '../../src/core/access'
import { plainPort } from '../../src/core/signals'
import { Tree } from '../../src/core/tree'
import type { RowTuple } from '../../src/core/rows'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const never = new Promise<never>(() => undefined)

function writer(archive: AgentArchive) {
  const tree = new Tree(UIMessageCodec, plainPort, trustOf({}))
  const errors: string[] = []
  const written = new ArchiveWriter(archive, 'ai:trip', tree, ({ message }) => void errors.push(message))
  const prompt = (serial: string) => {
    const transport = { 'codec-message-id': serial, 'event-id': serial, role: 'user' }
    const extras = { ai: { transport, codec: { kind: 'user-part', partType: 'text' } } }
    const version = { serial }
    written.note(tree.apply({ action: 'message.create', name: 'ai-input', serial, version, data: 'Hi', extras })!)
  }
  return { archive: written, errors, prompt }
}

it('a write that never settles is reported as failed, and the next write has its rows, too', async () => {
  const writes: (readonly RowTuple[])[] = []
  const { archive, errors, prompt } = writer({
    read: async () => [],
    write: ({ rows }) => (writes.push(rows) === 1 ? never : Promise.resolve()),
  })
  prompt('1')
  const flushed = archive.flush()
  await vi.runAllTimersAsync()
  await flushed
  expect(errors).toEqual(['unable to write to the archive; it takes longer than 15 s'])
  prompt('2')
  await archive.flush()
  expect(writes.map((rows) => rows.map(([serial]) => serial))).toEqual([['1'], ['1', '2']])
})

it('a read that never settles fails', async () => {
  const { archive } = writer({ read: () => never, write: async () => undefined })
  const failure = archive.read({ sessionName: 'ai:trip', limit: 10 }).catch((error: unknown) => error)
  await vi.runAllTimersAsync()
  expect(await failure).toMatchObject({ message: 'it takes longer than 15 s' })
})

it('a database that answers at once, without promises, serves as an archive', async () => {
  const write = vi.fn<(options: { rows: readonly RowTuple[] }) => void>()
  // NOTE: apps without types can give such a database
  const { archive, errors, prompt } = writer({ read: () => [], write } as unknown as AgentArchive)
  expect(await archive.read({ sessionName: 'ai:trip', limit: 10 })).toEqual([])
  prompt('1')
  await archive.flush()
  expect(write).toHaveBeenCalledOnce()
  expect(errors).toEqual([])
})
