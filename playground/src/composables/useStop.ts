import { computed, shallowRef, toValue, watch, type MaybeRefOrGetter } from 'vue'
import type { Cancelling } from 'vue-ai-transport'
import { countTokens } from '../../shared/tokens'

/** Who asked a run to stop, and how many tokens were on their way by then. Known if it happened before our eyes. */
export function useStop(cancelling: MaybeRefOrGetter<Cancelling | undefined>, text: () => string) {
  const by = shallowRef<string>()
  const counted = shallowRef<number>()
  watch(
    () => toValue(cancelling),
    (now, before) => {
      if (!now || before) return
      by.value = now.by
      counted.value = countTokens(text())
    },
    { flush: 'sync', immediate: true },
  )
  const tail = computed(() => (counted.value === undefined ? 0 : Math.max(0, countTokens(text()) - counted.value)))
  return { by, tail }
}
