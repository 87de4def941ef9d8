import { markRaw } from 'vue'

/** An object that stands for whatever `current` answers with: reads and calls go there, at the time they are made. */
export function follow<T extends object>(current: () => T): T {
  const handle = new Proxy({} as T, {
    get(own, key) {
      if (Object.hasOwn(own, key)) return Reflect.get(own, key) as unknown
      const target = current()
      const value: unknown = Reflect.get(target, key, target)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
    has: (_, key) => key in current(),
  })
  return markRaw(handle)
}
