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
  const measure = () => {
    const now = element.value
    if (now && !isOpen.value) overflows.value = now.scrollHeight > now.clientHeight + 2
  }
  const observer = new ResizeObserver(measure)
  watch([element, () => content?.value], (observed) => {
    observer.disconnect()
    for (const each of observed) if (each) observer.observe(each)
    // NOTE: the observer measures after the first layout, when a browser counts what its control moves as a layout shift
    measure()
  })
  onScopeDispose(() => observer.disconnect())
  return overflows as Readonly<Ref<boolean>>
}
