import type { UIMessage } from 'ai'
import { expect, it } from 'vitest'
import { nextTick, ref, toRaw, watch, watchEffect } from 'vue'
import { UIMessageCodec } from '../../src/codec'
import { Tree } from '../../src/core/tree'
import { vuePort } from '../../src/store/vue-port'
import { later, output, prompt, runMessage } from '../core/wire'
import { hear } from '../support/transcripts'

/** A reply that is streaming, as a view shows it. */
function aReply() {
  const tree = new Tree<UIMessage>(UIMessageCodec, vuePort)
  const text = output('r', { kind: 'text' }, '', { stream: 'true', status: 'streaming', 'stream-id': 's' })
  hear(tree, [prompt('p'), runMessage('ai-run-start', 'r'), text])
  const shown = tree.runs.get('r')!.viewMessage('m')!
  return {
    shown,
    say: (data: string) => hear(tree, [later(text, 'message.append', { data })]),
    end: (reason: string) => {
      hear(tree, [later(text, 'message.append', { transport: { status: 'complete' } })])
      hear(tree, [runMessage('ai-run-end', 'r', { 'run-reason': reason })])
    },
  }
}

it('a view message runs effects for the state, error and text that they have read', () => {
  const { shown, say, end } = aReply()
  const seen: unknown[] = []
  watchEffect(() => void seen.push([shown.state, shown.error?.message, shown.message.parts.length]), { flush: 'sync' })
  const texts: string[] = []
  watchEffect(() => void texts.push(JSON.stringify(shown.message.parts.at(-1))), { flush: 'sync' })
  say('Hi')
  expect(seen).toEqual([['streaming', undefined, 2]])
  expect(texts.at(-1)).toContain('Hi')
  end('error')
  expect(seen.at(-1)).toEqual(['error', 'agent reported an error', 2])
})

it('a list that reads only the ids of view messages is never updated by them', () => {
  const { shown, end } = aReply()
  let runs = 0
  watchEffect(() => void (shown.id === 'm' && shown.runId === 'r' && runs++), { flush: 'sync' })
  end('complete')
  expect(runs).toBe(1)
})

it('a view message works with deep watchers, also inside refs', async () => {
  const { shown, say, end } = aReply()
  const held = ref([shown])
  let changes = 0
  watch(() => [shown], () => changes++, { deep: true }) // prettier-ignore
  watch(held, () => changes++, { deep: true })
  say('Hi')
  await nextTick()
  expect(changes).toBe(2)
  end('complete')
  await nextTick()
  expect(changes).toBe(4)
  expect(held.value[0]!.state).toBe('complete')
})

it('a view message has all its fields when it is copied, logged or unwrapped', () => {
  const { shown, say } = aReply()
  say('Hi')
  const fields = { id: 'm', runId: 'r', state: 'streaming', message: { id: 'm', role: 'assistant' } }
  expect({ ...shown }).toMatchObject(fields)
  expect(JSON.parse(JSON.stringify(shown))).toMatchObject(fields)
  expect(Object.keys(shown).toSorted()).toEqual(['id', 'message', 'runId', 'state'])
  expect(toRaw(shown).message.parts.at(-1)).toEqual({ type: 'text', text: 'Hi' })
})
