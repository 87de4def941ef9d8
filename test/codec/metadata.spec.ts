import type { UIMessage } from 'ai'
import { expect, it } from 'vitest'
import { isReactive, watch } from 'vue'
import { UIMessageCodec } from '../../src/codec'
import { Tree } from '../../src/core/tree'
import { vuePort } from '../../src/store/vue-port'
import { output } from '../core/wire'
import { hear } from '../support/transcripts'

const metadata = (kind: string, value: unknown) => output('r', { kind, messageMetadata: JSON.stringify(value) })

it('metadata stays a plain object while Vue shows it, so that it can be cloned and stored', () => {
  const tree = new Tree<UIMessage>(UIMessageCodec, vuePort)
  hear(tree, [metadata('start', { usage: { input: 1, by: { model: 'a' } }, tags: [{ a: 1 }] })])
  const node = tree.runs.get('r')!
  const shown = node.viewMessage('m')!
  const seen: unknown[] = []
  const stop = watch(() => shown.message.metadata, (value) => seen.push(structuredClone(value)), { flush: 'sync' }) // prettier-ignore
  hear(tree, [
    metadata('message-metadata', { usage: { output: 2, by: { price: 3 } } }),
    metadata('finish', { usage: { total: 3 }, done: true }),
  ])
  stop()
  const merged = {
    usage: { input: 1, output: 2, total: 3, by: { model: 'a', price: 3 } },
    tags: [{ a: 1 }],
    done: true,
  }
  expect(seen.at(-1)).toEqual(merged)
  expect(seen).toHaveLength(2)
  expect(structuredClone(node.message('m')!.metadata)).toEqual(merged)
  expect(isReactive((shown.message.metadata as { usage: object }).usage)).toBe(false)
})

it('metadata nested as deep as a header can be is read', () => {
  const tree = new Tree<UIMessage>(UIMessageCodec, vuePort)
  const depth = 2600
  const nested = output('r', { kind: 'start', messageMetadata: '{"a":'.repeat(depth) + '1' + '}'.repeat(depth) })
  const again = output('r', { kind: 'message-metadata', messageMetadata: '{"a":'.repeat(depth) + '2' + '}'.repeat(depth) }) // prettier-ignore
  expect(() => hear(tree, [nested, again])).not.toThrow()
})
