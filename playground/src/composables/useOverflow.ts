import { onScopeDispose, ref, watch, type Ref } from 'vue'

/**
 * Whether the content of an element is taller than the element. It stays true while `isOpen`, so that it can be closed.
 *
 * @param content - grows in an element of fixed height
 */
export function useOverflow(
  element: Readonly<Ref<HTMLElement | null>>,
  isOpen: Readonly<Ref<boolean>>,
  content?: Readonly<Ref<HTMLElement | null>>,
) {
  const overflows = ref(false)
  const observer = new ResizeObserver(() => {
    const now = element.value
    if (now && !isOpen.value) overflows.value = now.scrollHeight > now.clientHeight + 2
  })
  watch([element, () => content?.value], (observed) => {
    observer.disconnect()
    for (const each of observed) if (each) observer.observe(each)
  })
  onScopeDispose(() => observer.disconnect())
  return overflows as Readonly<Ref<boolean>>
}
