import { getCurrentInstance, onBeforeUnmount, onMounted, queuePostFlushCb, shallowRef } from 'vue'

/**
 * Whether the calling component shows current values. While a component hydrates it shows the values that the server
 * has rendered, so that the first paint equals the server's HTML; once it is mounted, it moves on in one step.
 */
export function useHydrated(): () => boolean {
  const instance = getCurrentInstance()
  // NOTE: only a component that hydrates has an element before it is mounted; others are created later, e.g. lazily
  if (!instance?.vnode.el || instance.isMounted) return () => true
  const isHydrated = shallowRef(false)
  const done = (): void => void (isHydrated.value = true)
  onMounted(done, instance)
  // NOTE: a store outlives the component that has used it first, which may leave before it is mounted
  onBeforeUnmount(done, instance)
  // NOTE: Vue ignores the hooks of a store that is made while its first component renders
  queuePostFlushCb(() => instance.isMounted && done())
  return () => isHydrated.value
}
