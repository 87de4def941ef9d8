import { expect, it } from 'vitest'
import type { RunInfo } from '../../src/core/run-info'
import { hear, newTree } from '../support/transcripts'
import { later, output, prompt, runMessage } from './wire'

const infoOf = (tree: ReturnType<typeof newTree>): RunInfo => tree.runs.get('r')!.info()
const text = (transport = {}) => output('r', { kind: 'text' }, 'Hi', { 'invocation-id': 'i', ...transport })

it("a run's info follows an end that is published again", () => {
  const tree = newTree()
  const end = runMessage('ai-run-end', 'r', { 'run-reason': 'error', 'error-message': 'first words' })
  hear(tree, [runMessage('ai-run-start', 'r'), end])
  expect(infoOf(tree)).toMatchObject({ status: 'error', error: { message: 'first words' } })
  hear(tree, [later(end, 'message.update', { transport: { 'error-message': 'better words' } })])
  expect(infoOf(tree)).toMatchObject({ status: 'error', error: { message: 'better words' } })
  hear(tree, [later(end, 'message.update', { transport: { 'run-reason': 'complete' } })])
  expect(infoOf(tree).status).toBe('complete')
  expect(infoOf(tree).error).toBeUndefined()
})

it('a cancelled run whose end is deleted can be read before the next frame, also while its rows are packed', () => {
  const cancel = runMessage('ai-cancel', 'r')
  const end = runMessage('ai-run-end', 'r', { 'run-reason': 'cancelled' })
  for (const isPacked of [true, false]) {
    const tree = newTree()
    hear(tree, [
      prompt('p'),
      runMessage('ai-run-start', 'r', { parent: 'p', 'input-codec-message-id': 'p' }),
      cancel,
      end,
    ])
    expect(infoOf(tree).status).toBe('cancelled')
    if (isPacked) tree.compact(tree.nodes())
    tree.apply(later(end, 'message.delete', {}))
    tree.apply(runMessage('ai-cancel', 'r'))
    expect(infoOf(tree).status).toBe('cancelled')
    tree.settle()
    expect(infoOf(tree).status).toBe('active')
  }
})

it('of two ends the first one counts, for the status and for how the run was stopped', () => {
  const tree = newTree()
  const start = runMessage('ai-run-start', 'r')
  const cancel = runMessage('ai-cancel', 'r')
  const endWith = (tail: string) => runMessage('ai-run-end', 'r', { 'run-reason': 'cancelled', 'cancel-tail': tail })
  hear(tree, [start, cancel, endWith('3'), endWith('9')])
  expect(infoOf(tree)).toMatchObject({ status: 'cancelled', stopped: { tail: 3 } })
})

it("a run's info takes owner and prompt from an earlier message that arrives later", () => {
  const tree = newTree()
  const first = text({ 'run-client-id': 'alice', 'input-codec-message-id': 'p' })
  hear(tree, [text()])
  expect(infoOf(tree)).toMatchObject({ clientId: '' })
  expect(infoOf(tree).inputId).toBeUndefined()
  hear(tree, [first])
  expect(infoOf(tree)).toMatchObject({ clientId: 'alice', inputId: 'p' })
})

it("a run's info names the prompt it answers before its first output, for a regenerated reply too", () => {
  const tree = newTree()
  const again = { 'input-codec-message-id': 'carrier', parent: 'p', 'msg-regenerate': 'm' }
  hear(tree, [prompt('p'), runMessage('ai-run-start', 'r', again)])
  expect(infoOf(tree)).toMatchObject({ inputId: 'carrier', parentId: 'p' })
})

it("a run's info stays the same object until one of its fields changes", () => {
  const tree = newTree()
  const end = runMessage('ai-run-end', 'r', { 'run-reason': 'error', 'error-message': 'words' })
  const step = runMessage('ai-step-start', 'r', { 'step-id': 's' })
  hear(tree, [prompt('p'), runMessage('ai-run-start', 'r', { 'run-client-id': 'alice' }), step, text(), end])
  const before = infoOf(tree)
  const run = tree.runs.get('r')!
  expect(run.takeNewInfo()).toBe(true)
  hear(tree, [text(), later(end, 'message.update', {}), later(step, 'message.update', {})])
  expect(run.takeNewInfo()).toBe(false)
  expect(infoOf(tree)).toBe(before)
})

it("a run's info stays the same object when the rows of the run are compacted, and come back", () => {
  const tree = newTree()
  hear(tree, [prompt('p'), runMessage('ai-run-start', 'r'), text(), runMessage('ai-run-end', 'r')])
  const before = infoOf(tree)
  tree.compact([...tree.runs.values()])
  expect(infoOf(tree)).toBe(before)
  hear(tree, [text()])
  expect(infoOf(tree)).toBe(before)
})

it('a run whose rows are compacted shows the end that no reader has seen before', () => {
  const tree = newTree()
  hear(tree, [prompt('p'), runMessage('ai-run-start', 'r'), text()])
  expect(infoOf(tree).status).toBe('active')
  hear(tree, [runMessage('ai-run-end', 'r')])
  tree.compact([...tree.runs.values()])
  expect(infoOf(tree).status).toBe('complete')
})

it('the error of a message stays the same object, too', () => {
  const tree = newTree()
  const end = runMessage('ai-run-end', 'r', { 'run-reason': 'error', 'error-message': 'words' })
  hear(tree, [runMessage('ai-run-start', 'r'), text(), end])
  const node = tree.runs.get('r')!
  const shown = node.viewMessage('m')!
  const { error } = shown
  expect(error).toMatchObject({ message: 'words' })
  hear(tree, [text()])
  expect(node.viewMessage('m')).toBe(shown)
  expect(shown.error).toBe(error)
  hear(tree, [later(end, 'message.update', { transport: { 'error-message': 'other words' } })])
  expect(shown.error).toMatchObject({ message: 'other words' })
})

it("a run's info still follows cancels after its end", () => {
  const tree = newTree()
  hear(tree, [runMessage('ai-run-start', 'r', { 'input-codec-message-id': 'p' })])
  const before = infoOf(tree)
  hear(tree, [runMessage('ai-cancel', undefined, { 'input-codec-message-id': 'p', 'event-id': 'e' })])
  expect(before.cancelling).toBeUndefined()
  expect(infoOf(tree).cancelling).toBeDefined()
  hear(tree, [runMessage('ai-run-end', 'r', { 'run-reason': 'cancelled' })])
  expect(infoOf(tree).cancelling).toBeUndefined()
  expect(infoOf(tree).cancelledBy).toBeDefined()
})

it('the client that cancelled a run is the one whose cancel the end names, not an earlier one', () => {
  const byAlice = { ...runMessage('ai-cancel', 'r', { 'event-id': 'e' }), clientId: 'alice' }
  const byBob = { ...runMessage('ai-cancel', 'r', { 'event-id': 'f' }), clientId: 'bob' }
  const end = runMessage('ai-run-end', 'r', { 'run-reason': 'cancelled', 'cancel-serial': byBob.serial })
  const tree = newTree()
  hear(tree, [runMessage('ai-run-start', 'r'), byAlice, byBob, end])
  expect(infoOf(tree)).toMatchObject({ cancelledBy: { by: 'bob' }, stopped: { by: 'bob' } })
})

it("a run's info reports that all cancels were refused, in any order of arrival", () => {
  const asked = runMessage('ai-cancel', 'r', { 'event-id': 'e' })
  const again = runMessage('ai-cancel', undefined, { 'input-codec-message-id': 'p', 'event-id': 'f' })
  const refusalOf = ({ serial }: typeof asked) => runMessage('x-ai-cancel-refused', 'r', { 'cancel-serial': serial })
  const start = runMessage('ai-run-start', 'r', { 'input-codec-message-id': 'p' })
  const messages = [start, asked, refusalOf(asked)]
  for (const order of [messages, messages.toReversed()]) {
    const tree = newTree()
    hear(tree, order)
    expect(infoOf(tree)).toMatchObject({ status: 'active', cancelling: { refused: true } })
    hear(tree, [again])
    expect(infoOf(tree).cancelling).toMatchObject({ at: again.timestamp })
    expect(infoOf(tree).cancelling!.refused).toBeUndefined()
    hear(tree, [refusalOf(again)])
    expect(infoOf(tree).cancelling).toMatchObject({ at: asked.timestamp, refused: true })
  }
})
