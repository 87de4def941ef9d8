import { onScopeDispose, shallowRef, watch, type Ref } from 'vue'

/** The indices of the selectors with an element that is out of view. */
export function useOffscreen(selectors: () => readonly string[]): Readonly<Ref<ReadonlySet<number>>> {
  const hidden = shallowRef<ReadonlySet<number>>(new Set())
  const indices = new Map<Element, number>()
  const observer = new IntersectionObserver(
    (entries) => {
      const next = new Set(hidden.value)
      for (const { target, isIntersecting } of entries) {
        const index = indices.get(target)
        if (index === undefined) continue
        if (isIntersecting) next.delete(index)
        else next.add(index)
      }
      hidden.value = next
    },
    { threshold: 0 },
  )
  const key = () => selectors().join()
  watch(
    key,
    () => {
      observer.disconnect()
      indices.clear()
      hidden.value = new Set()
      for (const [index, selector] of selectors().entries()) {
        const element = document.querySelector(selector)
        if (!element) continue
        indices.set(element, index)
        observer.observe(element)
      }
    },
    { immediate: true, flush: 'post' },
  )
  onScopeDispose(() => observer.disconnect())
  return hidden
}
