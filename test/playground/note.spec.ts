import { expect, it } from 'vitest'
import type { RunInfo } from '../../src'
import type { Exchange } from '../../playground/src/conversation/exchange'
import { noteOf, tailNoteOf } from '../../playground/src/conversation/note'

/** A stopped run of alice with a reply. */
function stoppedRun(text: string, tail?: number): Exchange {
  const stopped = { by: 'phone-4f2', device: 'Phone', requestedAt: 1, ...(tail !== undefined && { tail }) }
  const run = {
    runId: 'r',
    status: 'cancelled',
    cancelledBy: { by: 'phone-4f2', device: 'Phone', at: 1 },
    stopped,
  } as unknown as RunInfo
  const reply = { id: 'm', message: { id: 'm', role: 'assistant', parts: [{ type: 'text', text }] } }
  return { id: 'p', place: 'p', lane: 1, run, replies: [reply] } as unknown as Exchange
}

it('the note of a stopped run names its user and device, and counts the tokens that arrived after Stop, as the agent has published it', () => {
  expect(noteOf(stoppedRun('Go up the hill'), 'alice')).toBe('Stopped by Phone 4f2 on Phone')
  expect(noteOf(stoppedRun('Go up the hill'), 'laptop-4f2')).toBe('Stopped by you on Phone')
  expect(noteOf(stoppedRun('Go up the hill'), 'phone-4f2')).toBe('Stopped by you')
  expect(tailNoteOf(stoppedRun('Go up the hill', ' the hill'.length))).toBe('2 tokens arrived after Stop')
  expect(tailNoteOf(stoppedRun('Go up the hill', 0))).toBe('')
  expect(tailNoteOf(stoppedRun('Go up the hill'))).toBe('')
})
