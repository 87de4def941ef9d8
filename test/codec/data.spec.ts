import { stepsOf } from '../support/steps'
import type { UIMessage } from 'ai'
import { expect, it } from 'vitest'
import { UIMessageCodec } from '../../src/codec'
import { Tree } from '../../src/core/tree'
import { vuePort } from '../../src/store/vue-port'
import { later, output, runMessage } from '../core/wire'
import { hear, newTree } from '../support/transcripts'

const data = (codec: Record<string, unknown>, value: unknown, messageId = 'm') =>
  output('r', { kind: 'data-place', ...codec }, value, { 'codec-message-id': messageId })

const partsOf = (tree: Tree<UIMessage>, messageId = 'm') => tree.runs.get('r')!.message(messageId)!.parts

it('a data part replaces an earlier part of its type and id in the same message', () => {
  const tree = newTree()
  hear(tree, [
    data({ id: '1' }, 'Rome'),
    data({ id: '2' }, 'Oslo'),
    data({ id: '1' }, 'Paris'),
    data({ id: '1', kind: 'data-other' }, 'other'),
    data({ id: '1' }, 'elsewhere', 'n'),
    data({}, 'plain'),
    data({}, 'plain too'),
    data({ id: '2', transient: 'true' }, 'gone'),
  ])
  expect(partsOf(tree)).toEqual([
    { type: 'data-place', id: '1', data: 'Paris' },
    { type: 'data-place', id: '2', data: 'Oslo' },
    { type: 'data-other', id: '1', data: 'other' },
    { type: 'data-place', data: 'plain' },
    { type: 'data-place', data: 'plain too' },
  ])
  expect(partsOf(tree, 'n')).toEqual([{ type: 'data-place', id: '1', data: 'elsewhere' }])
})

it('a data part is replaced after the node was built again, and Vue shows the change', () => {
  const tree = new Tree<UIMessage>(UIMessageCodec, vuePort)
  const early = data({ id: '0' }, 'early')
  const first = data({ id: '1' }, 'Rome')
  hear(tree, [first, data({ id: '2' }, 'Oslo')])
  const { message } = tree.runs.get('r')!.viewMessage('m')!
  hear(tree, [
    early,
    later(first, 'message.update', { data: 'Lima' }),
    data({ id: '1' }, 'Paris'),
    data({ id: '0' }, 1),
  ])
  expect(message.parts).toEqual([
    { type: 'data-place', id: '0', data: 1 },
    { type: 'data-place', id: '1', data: 'Paris' },
    { type: 'data-place', id: '2', data: 'Oslo' },
  ])
  hear(tree, [runMessage('ai-run-end', 'r'), data({ id: '2' }, 'Bergen')])
  expect(message.parts.map((part) => 'data' in part && part.data)).toEqual([1, 'Paris', 'Bergen'])
})

it('20,000 data parts and as many replacements take a bounded number of steps per part', () => {
  const tree = newTree()
  const rows = Array.from({ length: 40_000 }, (_, index) => data({ id: String(index % 20_000) }, index))
  for (const row of rows) tree.apply(row)
  expect(stepsOf(() => tree.settle()) / rows.length).toBeLessThan(100)
  expect(partsOf(tree)).toHaveLength(20_000)
  expect(partsOf(tree).at(-1)).toMatchObject({ data: 39_999 })
})
