import { markRaw, reactive, shallowRef, triggerRef } from 'vue'
import type { ReactivePort } from '../core/signals'

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null

/** Makes a session's state observable with Vue's reactivity. */
export const vuePort: ReactivePort = {
  // The proxy has the type of its target, because a session's state holds no refs
  observe: <T extends object>(value: T) => reactive(value) as T,
  opaque: (value) => (isObject(value) ? markRaw(value) : value),
  signal: () => {
    const changed = shallowRef(0)
    return { track: () => void changed.value, trigger: () => triggerRef(changed) }
  },
}
