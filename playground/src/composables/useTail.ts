import { computed, shallowRef, toValue, watch, type MaybeRefOrGetter, type Ref } from 'vue'
import { countTokens } from '../../shared/tokens'

/** How many tokens still came after a run was asked to stop; 0 unless that happened before our eyes. */
export function useTail(isStopping: MaybeRefOrGetter<boolean>, text: () => string): Readonly<Ref<number>> {
  const counted = shallowRef<number>()
  watch(
    () => toValue(isStopping),
    (now) => {
      if (now) counted.value = countTokens(text())
    },
    { flush: 'sync', immediate: true },
  )
  return computed(() => (counted.value === undefined ? 0 : Math.max(0, countTokens(text()) - counted.value)))
}
