import { getCurrentScope, markRaw, watch } from 'vue'

/** An object with events. */
interface Source {
  on(name: never, listener: never): () => void
}

/**
 * A proxy of the object that `current` returns at the time of each read or call. Its listeners move along.
 *
 * @param fixed - Members of the proxy itself.
 */
export function forward<T extends Source>(current: () => T, fixed: Partial<T> = {}): T {
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
      const target = current()
      const value: unknown = Reflect.get(target, key, target)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
    has: (own, key) => key in own || key in current(),
  })
  return markRaw(handle)
}
