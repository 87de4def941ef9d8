import type { AppMessage } from './app-message'
import { defineStore, type Pinia } from 'pinia'
import { computed, markRaw, onScopeDispose, ref, shallowRef } from 'vue'
import { isPlainObject } from '../core/collections'
import { warn } from '../core/diagnostics'
import type { SessionError } from '../core/errors'
import { rowsFormat } from '../core/rows'
import { isRunning } from '../core/run-info'
import type { ClientSession } from '../session/client-session'
import type { DehydratedSession } from '../session/context'
import { verbsOf } from './verbs'

/** The state of a session's store: the small facts that devtools and `$subscribe` watch. */
export interface SessionFacts {
  status: string
  messages: number
  activeRuns: number
  /** The last background failure. */
  error?: Pick<SessionError, 'code' | 'message'>
}

/**
 * The Pinia store of one session, id `ai-session:<name>`. Messages, runs and handles are getters and never state: state
 * is watched deeply by devtools and subscribers, which would cost time for each token.
 */
const sessionStore = (name: string, session: ClientSession<AppMessage>) =>
  defineStore(`ai-session:${name}`, ({ action }) => {
    const { view } = session
    const facts = ref<SessionFacts>(read())
    /** What a server has read for the page: at most one item, taken by the session in the browser. */
    const rows = shallowRef<readonly DehydratedSession[]>(markRaw([]))

    function read(): SessionFacts {
      const { error } = session
      return {
        status: session.status,
        messages: view.getMessages().length,
        activeRuns: view.runs().filter(isRunning).length,
        error: error && { code: error.code, message: error.message },
      }
    }

    // The channel changed the session's structure: one action per change, none per token
    const synced = action(() => void Object.assign(facts.value, read()), 'synced')
    const stops = [view.on('update', synced), session.on('status', synced)]
    onScopeDispose(() => stops.forEach((stop) => stop()))

    return {
      facts,
      rows,
      messages: computed(() => view.getMessages()),
      runs: computed(() => view.runs()),
      pending: computed(() => view.pending()),
      isRunning: computed(() => view.isRunning),
      status: computed(() => session.status),
      error: computed(() => session.error),
      hasOlder: computed(() => view.hasOlder()),
      isLoadingOlder: computed(() => view.isLoadingOlder),
      ...verbsOf(() => view),
      synced,
    }
  })

/** Makes the store, from the state of the page if there is one that this version can read. */
export function openSessionStore(name: string, session: ClientSession<AppMessage>, pinia: Pinia): SessionStore {
  const useStore = sessionStore(name, session)
  const states: Record<string, unknown> = pinia.state.value
  const given = states[useStore.$id]
  if (given !== undefined && !(isPlainObject(given) && isPlainObject(given.facts))) {
    warn('rowsIgnored', given, rowsFormat)
    delete states[useStore.$id]
  }
  return useStore(pinia)
}

export type SessionStore = ReturnType<ReturnType<typeof sessionStore>>
