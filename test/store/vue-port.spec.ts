import { expect, it } from 'vitest'
import { computed, watch, watchEffect } from 'vue'
import { vuePort } from '../../src/store/vue-port'

it('all readers of a field hear of a write to the unobserved object, and no others', () => {
  const part = { type: 'text', text: 'a' }
  const message = vuePort.observe({ parts: [part] })
  const seen: string[] = []
  const text = computed(() => message.parts[0]!.text)
  watchEffect(() => seen.push(`effect ${message.parts[0]!.text}`), { flush: 'sync' })
  watch(text, (now) => seen.push(`computed ${now}`), { flush: 'sync' })
  watch(message, () => seen.push('deep'), { deep: true, flush: 'sync' })
  watchEffect(() => seen.push(`type ${message.parts[0]!.type}`), { flush: 'sync' })
  seen.length = 0
  vuePort.write(part, 'text', 'ab')
  expect(seen.toSorted()).toEqual(['computed ab', 'deep', 'effect ab'])
  expect(part.text).toBe('ab')
  vuePort.write(part, 'text', 'ab')
  expect(seen).toHaveLength(3)
})

it('a write to an object that nobody has observed is plain', () => {
  const part = { text: 'a' }
  vuePort.write(part, 'text', 'ab')
  expect(part).toEqual({ text: 'ab' })
})
