import { defineStore, type Pinia } from 'pinia'
import type { MaybeRefOrGetter } from 'vue'
import { bindSession } from './binding'
import { describe, type UseClientSessionReturn } from './use-client-session'
import { useView, type UseViewReturn } from './use-view'

export interface DefineSessionStoreOptions<Extra extends object> {
  /** The session's name, where it is always the same. */
  name?: string
  /** Adds to the store what it returns, as in a setup store. */
  setup?: (session: UseClientSessionReturn & UseViewReturn) => Extra
}

/**
 * A Pinia store of one session, for the Options API and for code that prefers stores: `messages`, `runs`, `isRunning`,
 * `status`, `error` and every verb. Give the name here or to `useStore(name)`; each name has a store of its own.
 *
 * @example
 * export const useTrip = defineSessionStore('trip', { name: 'trip' })
 * export default { computed: mapState(useTrip, ['messages', 'isRunning']), methods: mapActions(useTrip, ['send']) }
 */
export function defineSessionStore<Extra extends object = object>(
  id: string,
  options: DefineSessionStoreOptions<Extra> = {},
) {
  const define = (storeId: string, name: MaybeRefOrGetter<string | undefined>) =>
    defineStore(storeId, () => {
      const described = describe(bindSession(name))
      const view = useView({ session: described.session })
      const extra = options.setup?.({ ...described, ...view }) ?? ({} as Extra)
      const { session: _, ready, name: __, ...state } = described
      return { ...state, ...view, ...extra, whenReady: () => ready }
    })

  type Definition = ReturnType<typeof define>
  const stores = new Map<string, Definition>()

  // NOTE: Pinia's map helpers call `useStore(pinia)`, so what is no string is a Pinia
  const useStore = (nameOrPinia?: string | Pinia | null): ReturnType<Definition> => {
    const [name, pinia] = typeof nameOrPinia === 'string' ? [nameOrPinia] : [options.name, nameOrPinia]
    const storeId = name === undefined || name === options.name ? id : `${id}:${name}`
    let store = stores.get(storeId)
    if (!store) {
      store = define(storeId, name)
      stores.set(storeId, store)
    }
    return store(pinia)
  }
  return Object.assign(useStore, { $id: id }) as Definition & ((name?: string) => ReturnType<Definition>)
}
