import { markRaw, reactive, shallowRef, toRef, triggerRef } from 'vue'
import type { ReactivePort } from '../core/signals'

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null

/** Makes a session's state observable with Vue's reactivity. */
export const vuePort: ReactivePort = {
  // The proxy has the type of its target, because a session's state holds no refs
  observe: <T extends object>(value: T) => reactive(value) as T,
  // NOTE: a write through the proxy takes several times as long, and this one is done for each token
  write(target, field, value) {
    if (target[field] === value) return
    target[field] = value
    triggerRef(toRef(target, field))
  },
  opaque: (value) => (isObject(value) ? markRaw(value) : value),
  signal: () => {
    const changed = shallowRef(0)
    return { track: () => void changed.value, trigger: () => triggerRef(changed) }
  },
}
