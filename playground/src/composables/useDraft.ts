import { ref, watch, type Ref } from 'vue'
import { deviceName } from '../device'

const keyOf = (name: string): string => `playground:draft:${deviceName()}:${name}`

/** The unsent text of a conversation. This browser stores it, so a reload does not lose it. */
export function useDraft(name: Readonly<Ref<string>>): Ref<string> {
  const draft = ref('')
  watch(name, (now) => (draft.value = localStorage.getItem(keyOf(now)) ?? ''), { immediate: true, flush: 'sync' })
  watch(draft, (text) => {
    if (text) localStorage.setItem(keyOf(name.value), text)
    else localStorage.removeItem(keyOf(name.value))
  })
  return draft
}
