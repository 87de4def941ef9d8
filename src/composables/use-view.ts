import type { AppMessage } from '../store/app-message'
import { computed, type ComputedRef } from 'vue'
import type { RunInfo } from '../core/run-info'
import type { ViewMessage } from '../core/view-message'
import type { ClientSession } from '../session/client-session'
import type { PendingPrompt } from '../session/pending'
import type { View } from '../session/view'
import { groupIntoBlocks, type MessageBlock } from './blocks'
import { follow } from './follow'
import { nearest } from './nearest'
import { bindingOf } from './use-client-session'

export interface UseViewOptions {
  /** A session from `useClientSession` or `createClientSession`. @default the nearest one */
  session?: ClientSession<AppMessage>
  /** A view made with `session.createView()`. @default the session's own view */
  view?: View<AppMessage>
  /** How many of the newest messages to show at first. @default 30 */
  limit?: number
}

export type ViewVerbs = Pick<
  View<AppMessage>,
  'send' | 'edit' | 'regenerate' | 'cancel' | 'cancelAll' | 'retry' | 'discard' | 'loadOlder' | 'loadUntil'
>

export interface UseViewReturn extends ViewVerbs {
  /** The view itself: `view.runs()`, `view.branch(id)`, `view.on('run', ...)`. */
  view: View<AppMessage>
  /**
   * The messages shown, oldest first. The list changes only when messages come, go or move; text grows inside the
   * messages, so watch it through a getter or with `deep: true`.
   */
  messages: ComputedRef<readonly ViewMessage<AppMessage>[]>
  /** The same in blocks of about 50, for long lists: a nested `v-for` with `contain: content` on the block. */
  blocks: ComputedRef<readonly MessageBlock<AppMessage>[]>
  /** Runs that have started. */
  runs: ComputedRef<readonly RunInfo[]>
  /** Prompts whose run has not started. */
  pending: ComputedRef<readonly PendingPrompt[]>
  /** Whether any run is active or about to start. */
  isRunning: ComputedRef<boolean>
  hasOlder: ComputedRef<boolean>
  isLoadingOlder: ComputedRef<boolean>
}

/**
 * Messages, runs and verbs of a session. Refs are readonly; verbs are safe to destructure and reject with a
 * `SessionError`.
 * @throws Error when there is no session in reach.
 *
 * @example
 * const { messages, runs, isRunning, send, cancel } = useView()
 */
export function useView(options: UseViewOptions = {}): UseViewReturn {
  const { session, limit = 30 } = options
  const binding = session ? bindingOf(session) : options.view ? undefined : nearest()
  if (!options.view) binding?.want(limit)
  const current = (): View<AppMessage> => options.view ?? (binding?.current.value ?? session!).view
  // Verbs of the shared view go through the session's store, where `$onAction` hears them
  const actor = (): ViewVerbs => (options.view ? undefined : binding?.lease()?.store) ?? current()

  return {
    view: options.view ?? follow(current),
    messages: computed(() => current().getMessages()),
    blocks: useBlocks(() => current().getMessages()),
    runs: computed(() => current().runs()),
    pending: computed(() => current().pending()),
    isRunning: computed(() => current().isRunning),
    hasOlder: computed(() => current().hasOlder()),
    isLoadingOlder: computed(() => current().isLoadingOlder),
    send: (...given) => actor().send(...given),
    edit: (...given) => actor().edit(...given),
    regenerate: (...given) => actor().regenerate(...given),
    cancel: (...given) => actor().cancel(...given),
    cancelAll: (...given) => actor().cancelAll(...given),
    retry: (...given) => actor().retry(...given),
    discard: (...given) => actor().discard(...given),
    loadOlder: (...given) => actor().loadOlder(...given),
    loadUntil: (...given) => actor().loadUntil(...given),
  }
}

function useBlocks(messages: () => readonly ViewMessage<AppMessage>[]): UseViewReturn['blocks'] {
  return computed<readonly MessageBlock<AppMessage>[]>((known) => groupIntoBlocks(messages(), known ?? []))
}
