import { onScopeDispose, readonly, ref, toValue, watchEffect, type MaybeRefOrGetter, type Ref } from 'vue'

/** The current time in ms. It updates four times a second while `ticking`. */
export function useNow(ticking: MaybeRefOrGetter<boolean>): Readonly<Ref<number>> {
  const now = ref(Date.now())
  let timer: ReturnType<typeof setInterval> | undefined
  const stop = () => clearInterval(timer)
  watchEffect(() => {
    stop()
    now.value = Date.now()
    if (toValue(ticking)) timer = setInterval(() => (now.value = Date.now()), 250)
  })
  onScopeDispose(stop)
  return readonly(now)
}
