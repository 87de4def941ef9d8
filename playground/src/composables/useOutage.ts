import { onScopeDispose, readonly, ref, watch, type Ref } from 'vue'
import type { Link } from '../conversation/link'

/** Whether a trouble with the connection has lasted long enough to be told in so many words. */
export function useOutage(link: Readonly<Ref<Link>>, after = 2000) {
  const isLong = ref(false)
  let timer: ReturnType<typeof setTimeout> | undefined
  watch(
    link,
    (now) => {
      clearTimeout(timer)
      if (now === 'reconnecting') timer = setTimeout(() => (isLong.value = true), after)
      else isLong.value = now === 'failed' || now === 'gap'
    },
    { immediate: true },
  )
  onScopeDispose(() => clearTimeout(timer))
  return readonly(isLong)
}
