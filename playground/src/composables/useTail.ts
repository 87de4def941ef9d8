import { computed, shallowRef, watch, type Ref } from 'vue'
import { countTokens } from '../../shared/tokens'

/** The number of tokens that arrived after Stop; 0 if the page did not see the Stop live. */
export function useTail(
  runId: () => string | undefined,
  isStopping: () => boolean,
  text: () => string,
): Readonly<Ref<number>> {
  const counted = shallowRef<{ runId: string | undefined; count: number }>()
  watch(
    () => isStopping() && runId(),
    (stopping) => {
      if (stopping) counted.value = { runId: stopping, count: countTokens(text()) }
    },
    { flush: 'sync', immediate: true },
  )
  return computed(() => {
    if (counted.value?.runId !== runId() || !counted.value) return 0
    return Math.max(0, countTokens(text()) - counted.value.count)
  })
}
