import type { UIMessage } from 'ai'
import { expect, it, vi } from 'vitest'
import { UIMessageCodec } from '../../src/codec'
import { Tree } from '../../src/core/tree'
import { hear } from '../support/transcripts'
import { message, output, prompt, runMessage } from './wire'

/** A tree that counts how often a node is built from its first row. */
function countingTree() {
  const fold = vi.fn<typeof UIMessageCodec.fold>((draft) => UIMessageCodec.fold(draft))
  return { tree: new Tree<UIMessage>({ ...UIMessageCodec, fold }), fold }
}

const text = (data: string) => output('r', { kind: 'text' }, data)

it('rows that arrive after the end of a run are added without building the run again', () => {
  const { tree, fold } = countingTree()
  hear(tree, [runMessage('ai-run-start', 'r'), text('0'), runMessage('ai-run-end', 'r')])
  const folds = fold.mock.calls.length
  const late = Array.from({ length: 300 }, (_, index) => text(String(index + 1)))
  for (const row of late.slice(0, 150)) tree.apply(row)
  tree.settle()
  hear(tree, late.slice(150))
  expect(fold.mock.calls.length - folds).toBe(0)
  const texts = tree.runs
    .get('r')!
    .message('m')!
    .parts.flatMap((part) => (part.type === 'text' ? [part.text] : []))
  expect(texts).toEqual(Array.from({ length: 301 }, (_, index) => String(index)))
})

it('a prompt is built once, however many parts it has', () => {
  const { tree, fold } = countingTree()
  const part = (data: string) =>
    message('ai-input', { role: 'user', 'codec-message-id': 'p' }, { kind: 'user-message', messageId: 'p' }, data)
  hear(tree, [prompt('p'), ...Array.from({ length: 20 }, (_, index) => part(String(index)))])
  expect(fold.mock.calls.length).toBe(1)
  expect(tree.inputs.get('p')!.message('p')!.parts).toHaveLength(21)
})
