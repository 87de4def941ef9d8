import { getCurrentScope, markRaw, watch } from 'vue'
import { verbNames } from '../store/verbs'

/** An object with events. */
interface Source {
  on(name: never, listener: never): () => void
}

/** Members that act on the current object, also while another one is shown. */
const verbs: ReadonlySet<PropertyKey> = new Set([...verbNames, 'connect', 'close'])

/**
 * A proxy of the object that `shown` returns at the time of each read, and `current` at the time of each verb. Its
 * listeners move along.
 *
 * @param fixed - Members of the proxy itself.
 */
export function forward<T extends Source>(shown: () => T, current = shown, fixed: Partial<T> = {}): T {
  const scope = getCurrentScope()
  const on = (name: never, listener: never): (() => void) => {
    // A component that has left gets no events
    if (scope?.active === false) return () => undefined
    const listen = (): (() => void) =>
      watch(current, (target, _, onCleanup) => onCleanup(target.on(name, listener)), { immediate: true, flush: 'sync' })
    return scope?.run(listen) ?? listen()
  }
  const handle = new Proxy({ on, ...fixed } as unknown as T, {
    get(own, key) {
      if (Object.hasOwn(own, key)) return Reflect.get(own, key) as unknown
      const target = verbs.has(key) ? current() : shown()
      const value: unknown = Reflect.get(target, key, target)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
    has: (own, key) => key in own || key in current(),
  })
  return markRaw(handle)
}
