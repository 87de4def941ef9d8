import { computed, shallowRef, watch } from 'vue'
import { useActions } from '../conversation/actions'
import type { Exchange } from '../conversation/exchange'
import { noticeOf } from '../conversation/notice'
import { useNow } from './useNow'

/** The notice of an exchange. It counts down while the page waits to try again. */
export function useNotice(exchange: () => Exchange) {
  const { isOnline } = useActions()
  const wake = computed(() => exchange().pending?.wake)
  const isRetrying = computed(() => wake.value?.state === 'retrying')
  const dueAt = shallowRef<number>()
  watch(
    () => isRetrying.value && wake.value?.attempts,
    () => (dueAt.value = isRetrying.value ? dueTime(wake.value?.error?.cause) : undefined),
    { immediate: true },
  )
  const now = useNow(() => dueAt.value !== undefined)
  const wait = computed(() => dueAt.value && Math.max(0, Math.ceil((dueAt.value - now.value) / 1000)))
  return computed(() => noticeOf(exchange(), { isOnline: isOnline.value, wait: wait.value }))
}

/** The time of the next try, from the `retry-after` of the response. */
function dueTime(cause: unknown): number | undefined {
  const seconds = cause instanceof Response ? Number(cause.headers.get('retry-after')) : 0
  return seconds > 0 ? Date.now() + seconds * 1000 : undefined
}
