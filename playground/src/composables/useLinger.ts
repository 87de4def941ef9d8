import { nextTick, ref, toValue, watch, type MaybeRefOrGetter, type Ref } from 'vue'

/**
 * Keeps a control that is no longer needed until focus has left it by itself, so that focus is never thrown away.
 * Bind `onBlur` to the control.
 */
export function useLinger(element: Readonly<Ref<HTMLElement | null>>, wanted: MaybeRefOrGetter<boolean>) {
  const isShown = ref(toValue(wanted))
  const onBlur = () => nextTick(() => (isShown.value = toValue(wanted)))
  watch(
    () => toValue(wanted),
    (now) => (isShown.value = now || (element.value !== null && element.value === document.activeElement)),
    { flush: 'sync' },
  )
  return { isShown, onBlur }
}
