import { nextTick, ref, toValue, watch, type MaybeRefOrGetter, type Ref } from 'vue'

/**
 * Keeps a control that is no longer needed until focus has left it by itself, so that focus is never thrown away.
 * Give it the control or what holds it, and bind `onBlur`.
 */
export function useLinger(element: Readonly<Ref<HTMLElement | null>>, wanted: MaybeRefOrGetter<boolean>) {
  const isShown = ref(toValue(wanted))
  const onBlur = () => nextTick(() => (isShown.value = toValue(wanted)))
  watch(
    () => toValue(wanted),
    (now) => (isShown.value = now || (element.value?.contains(document.activeElement) ?? false)),
    { flush: 'sync' },
  )
  return { isShown, onBlur }
}
