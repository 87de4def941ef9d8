import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { announce, claimOf } from '../../src/agent/claim'
import type { OutgoingMessage } from '../../src/core/wire'
import { message, runMessage } from '../core/wire'
import { freePublisher } from '../support/free-channel'
import { newTree } from '../support/transcripts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** A channel that already has a message with the id, or none yet. */
function channel(stored?: ReturnType<typeof message>, { isHeard = true, hearsItself = true } = {}) {
  const tree = newTree()
  const published: OutgoingMessage[] = []
  const kept: ReturnType<typeof message>[] = []
  const publishOne = async (given: OutgoingMessage) => {
    published.push(given)
    const accepted = given.id !== undefined && stored ? stored : message(given.name!, given.extras.ai.transport)
    kept.push(accepted)
    if (isHeard) tree.apply(accepted)
    return accepted.serial!
  }
  const ably = { read: async () => kept.at(-1) }
  const view = {
    tree,
    onHeard: () => () => undefined,
    uplink: { hearsItself },
    ably,
    isAgent: (clientId?: string) => clientId !== 'mallory',
    report: () => undefined,
  }
  return { published, view, publisher: freePublisher({ publishOne }) }
}

const announcement: OutgoingMessage = {
  id: claimOf('event'),
  name: 'ai-run-start',
  extras: { ai: { transport: { 'run-id': 'mine', 'invocation-id': 'i' } } },
}

describe('an announcement', () => {
  it('is published once if the channel accepts it', async () => {
    const { published, view, publisher } = channel()
    await announce(view, publisher, announcement, 'i')
    expect(published).toEqual([announcement])
  })

  it('fails if another invocation has already announced the run', async () => {
    const { view, publisher } = channel(runMessage('ai-run-start', 'other', { 'invocation-id': 'j' }))
    const announcing = announce(view, publisher, announcement, 'i')
    await expect(announcing).rejects.toMatchObject({ runId: 'other', invocationId: 'j' })
  })

  it('is published again without its id if an unrelated message has that id', async () => {
    const { published, view, publisher } = channel(message('ai-input', { role: 'user' }))
    await announce(view, publisher, announcement, 'i')
    const { id: _, ...plain } = announcement
    expect(published).toEqual([announcement, { id: expect.any(String), ...plain }])
    expect(published[1]!.id).not.toBe(announcement.id)
  })

  it('counts as published if the client does not receive its own messages', async () => {
    const { published, view, publisher } = channel(undefined, { isHeard: false, hearsItself: false })
    await announce(view, publisher, announcement, 'i')
    expect(published).toEqual([announcement])
  })

  it('is published once if the channel has stored it, although its echo does not arrive in time', async () => {
    const { published, view, publisher } = channel(undefined, { isHeard: false })
    const announcing = announce(view, publisher, announcement, 'i')
    await vi.advanceTimersByTimeAsync(5000)
    await announcing
    expect(published).toEqual([announcement])
  })

  it.each([
    [
      'fails if the channel has stored that of another invocation',
      runMessage('ai-run-start', 'other', { 'invocation-id': 'j' }),
      1,
    ],
    [
      'is published again without its id if the channel has stored an unrelated message',
      { ...message('chat', {}), name: 'chat' },
      2,
    ],
    [
      'is published again without its id if the channel has stored a forged one',
      { ...runMessage('ai-run-start', 'mine', { 'invocation-id': 'i' }), clientId: 'mallory' },
      2,
    ],
  ] as const)('whose echo does not arrive in time %s', async (_, stored, count) => {
    const { published, view, publisher } = channel(stored, { isHeard: false })
    const announcing = announce(view, publisher, announcement, 'i').catch((error: unknown) => error)
    await vi.advanceTimersByTimeAsync(15_000)
    await announcing
    expect(published).toHaveLength(count)
  })
})
