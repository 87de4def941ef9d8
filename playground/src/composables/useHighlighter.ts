import { shallowRef, toValue, watch, type MaybeRefOrGetter } from 'vue'
import type { HighlightLine } from '../markdown/code-lines'
import { languageOf } from '../markdown/languages'

/** The highlighter of a language, once it is loaded. Code in unknown languages stays plain. */
export function useHighlighter(name: MaybeRefOrGetter<string>) {
  const highlight = shallowRef<HighlightLine>()
  watch(
    () => languageOf(toValue(name)),
    async (language, _, onCleanup) => {
      let isCurrent = true
      onCleanup(() => (isCurrent = false))
      highlight.value = undefined
      if (!language) return
      const { loadHighlighter } = await import('../markdown/highlight')
      const loaded = await loadHighlighter(language)
      if (isCurrent) highlight.value = loaded
    },
    { immediate: true },
  )
  return highlight
}
