import { computed, readonly, ref, toValue, watch, type MaybeRefOrGetter } from 'vue'
import { countTokens } from '../../shared/tokens'

const span = 3000

/** The tokens per second of a growing text, and the time since it has grown in ms, measured at each tick of `now`. */
export function useTokenRate(text: () => string, now: MaybeRefOrGetter<number>) {
  const samples: { at: number; count: number }[] = []
  const rate = ref(0)
  const idleFor = ref(0)
  let grownAt = toValue(now)
  let count = 0
  let length = 0
  watch(
    () => toValue(now),
    (at) => {
      const grown = text()
      if (grown.length !== length) grownAt = at
      idleFor.value = at - grownAt
      count += countTokens(grown.slice(length))
      length = grown.length
      samples.push({ at, count })
      while (samples.length > 2 && at - samples[0]!.at > span) samples.shift()
      const [first] = samples
      rate.value = first && at > first.at ? ((count - first.count) * 1000) / (at - first.at) : 0
    },
    { immediate: true },
  )
  return { rate: computed(() => Math.round(rate.value)), idleFor: readonly(idleFor) }
}
