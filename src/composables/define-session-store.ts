import { defineStore, type Pinia, type SetupStoreDefinition, type StoreGeneric } from 'pinia'
import { warn } from '../core/diagnostics'
import { bindSession } from './binding'
import { provideSession } from './inject-session'
import { refsOf, type UseClientSessionReturn } from './use-client-session'
import { useView, type UseViewReturn } from './use-view'

export interface DefineSessionStoreOptions<Extra extends object> {
  /** The session's name, where it is always the same. */
  name?: string
  /** Returns further members of the store, as a setup store does. */
  setup?: (session: UseClientSessionReturn & UseViewReturn) => Extra
}

/** The members of a session's store, without those that its definition adds. */
export interface SessionStoreMembers extends UseViewReturn, Pick<UseClientSessionReturn, 'status' | 'error'> {
  /** Resolves when the session is attached and its first page is shown. */
  whenReady: () => Promise<void>
}

/** Uses a session's store; call it with a name where the definition has none. */
export type UseSessionStore<Extra extends object> = SetupStoreDefinition<string, SessionStoreMembers & Extra> &
  ((name: string) => ReturnType<SetupStoreDefinition<string, SessionStoreMembers & Extra>>)

/**
 * A Pinia store of one session, for the Options API and for code that prefers stores: `messages`, `runs`, `isRunning`,
 * `status`, `error` and every verb. Give the name here or to `useStore(name)`; each name has a store of its own.
 * Like every store it lives as long as the app; its `$dispose()` releases the session.
 *
 * @example
 * export const useTrip = defineSessionStore('trip', { name: 'trip' })
 * export default { computed: mapState(useTrip, ['messages', 'isRunning']), methods: mapActions(useTrip, ['send']) }
 */
export function defineSessionStore<Extra extends object = object>(
  id: string,
  options: DefineSessionStoreOptions<Extra> = {},
): UseSessionStore<Extra> {
  type Definition = SetupStoreDefinition<string, SessionStoreMembers & Extra>

  const define = (storeId: string, name: string | undefined): Definition =>
    defineStore(storeId, () => {
      const binding = bindSession(name)
      provideSession(binding)
      const refs = refsOf(binding)
      const view = useView({ session: refs.session })
      const { status, error } = refs
      const members: SessionStoreMembers = { ...view, status, error, whenReady: () => refs.ready }
      return { ...members, ...(options.setup?.({ ...refs, ...view }) ?? ({} as Extra)) }
    })

  // NOTE: Pinia's map helpers call `useStore(pinia)`, its hot reload `useStore(pinia, store)`
  const useStore = (nameOrPinia?: string | Pinia | null, hot?: StoreGeneric): ReturnType<Definition> => {
    const [name, pinia] = typeof nameOrPinia === 'string' ? [nameOrPinia] : [options.name, nameOrPinia]
    if (name === undefined) warn('storeName', id)
    const storeId = name === undefined || name === options.name ? id : `${id}:${name}`
    const definition = define(storeId, name) as HotDefinition<Definition>
    const store = definition(pinia, hot)
    useStore._pinia = definition._pinia ?? useStore._pinia
    return store
  }
  useStore.$id = id
  useStore._pinia = undefined as Pinia | undefined
  return useStore
}

/** A store definition with what Pinia's hot reload uses, which its types hide. */
type HotDefinition<D extends (pinia?: Pinia | null) => unknown> = D & {
  (pinia: Pinia | null | undefined, hot: StoreGeneric | undefined): ReturnType<D>
  readonly _pinia?: Pinia
}
