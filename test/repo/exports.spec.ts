import { expect, it } from 'vitest'

/** The values that each entry exports. A change here is a change of the public API. */
const names: Record<string, string[]> = {
  'vue-ai-transport': [],
  'vue-ai-transport/agent': [],
  'vue-ai-transport/codec': [],
  'vue-ai-transport/local': [],
  'vue-ai-transport/local/vite': [],
}

it.each(Object.keys(names))('%s exports the names it promises', async (entry) => {
  const exported = Object.keys((await import(/* @vite-ignore */ entry)) as object)
  expect(exported.toSorted()).toEqual(names[entry])
})
