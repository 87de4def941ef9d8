import { getCurrentScope, markRaw, watch } from 'vue'

/** What tells its listeners about events. */
interface Source {
  on(name: never, listener: never): () => void
}

/**
 * An object that stands for whatever `current` answers with: reads and calls go there at the time they are made, and
 * listeners move along. `fixed` are members that it has of its own.
 */
export function follow<T extends Source>(current: () => T, fixed: Partial<T> = {}): T {
  const scope = getCurrentScope()
  const on = (name: never, listener: never): (() => void) => {
    // Who has gone hears nothing any more
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
