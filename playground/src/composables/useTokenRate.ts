import { computed, ref, toValue, watch, type MaybeRefOrGetter } from 'vue'
import { countTokens } from '../../shared/tokens'

const span = 3000

/** Counts the tokens of a growing text and their rate, at each tick of `now`. */
export function useTokenRate(text: () => string, now: MaybeRefOrGetter<number>) {
  const count = ref(0)
  const samples: { at: number; count: number }[] = []
  const rate = ref(0)
  watch(
    () => toValue(now),
    (at) => {
      count.value = countTokens(text())
      samples.push({ at, count: count.value })
      while (samples.length > 2 && at - samples[0]!.at > span) samples.shift()
      const [first] = samples
      rate.value = first && at > first.at ? ((count.value - first.count) * 1000) / (at - first.at) : 0
    },
    { immediate: true },
  )
  return { count: computed(() => count.value), rate: computed(() => Math.round(rate.value)) }
}
