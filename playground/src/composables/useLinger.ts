import { nextTick, ref, toValue, watch, type MaybeRefOrGetter, type Ref } from 'vue'

/**
 * Keeps an obsolete control until the user moves focus away, so that focus is never lost. Pass the control or its container,
 * and bind `onBlur`.
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
