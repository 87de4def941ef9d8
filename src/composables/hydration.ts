import { getCurrentInstance, onMounted, shallowRef } from 'vue'

/**
 * Whether the calling component shows current values. While a component hydrates it shows the values that the server has
 * rendered, so that the first paint equals the server's HTML; once it is mounted, it moves on in one step.
 */
export function useHydrated(): () => boolean {
  const instance = getCurrentInstance()
  // NOTE: only a component that hydrates has an element before it is mounted; others are created later, e.g. lazily
  if (!instance?.vnode.el || instance.isMounted) return () => true
  const isHydrated = shallowRef(false)
  onMounted(() => (isHydrated.value = true), instance)
  return () => isHydrated.value
}
