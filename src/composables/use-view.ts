import { computed, type ComputedRef } from 'vue'
import type { RunInfo } from '../core/run-info'
import type { ViewMessage } from '../core/view-message'
import type { PendingInput } from '../session/submission'
import type { View } from '../session/view'
import type { AppMessage } from '../store/app-message'
import { isServer } from '../store/transport'
import { verbsOf, type ViewVerbs } from '../store/verbs'
import { groupIntoBlocks, type MessageBlock } from './blocks'
import { forward } from './forward'
import { useHydrated } from './hydration'
import { useViewSource, type OwnViewSource, type ViewSource } from './view-source'

export interface UseViewOptions<M extends object = AppMessage> extends ViewSource<M> {
  /**
   * How many of the newest messages to show at first, or 0 for none. Nothing is loaded for a given `view`, or for a
   * session of `createClientSession`: `loadOlder()` does that. @default 30
   */
  limit?: number
}

export interface UseViewReturn<M extends object = AppMessage> extends ViewVerbs<M> {
  /** The view itself: `view.runs()`, `view.branch(id)`, `view.on('run', ...)`. */
  view: View<M>
  /**
   * The messages shown, oldest first. The list changes only when messages come, go or move; text grows inside the
   * messages, so watch it through a getter or with `deep: true`.
   */
  messages: ComputedRef<readonly ViewMessage<M>[]>
  /** The same in blocks of about 50, for long lists: a nested `v-for` with `contain: content` on the block. */
  blocks: ComputedRef<readonly MessageBlock<M>[]>
  /** Runs that have started. */
  runs: ComputedRef<readonly RunInfo[]>
  /** Inputs that no agent has accepted yet: prompts, requests for other replies, answers to suspended runs. */
  pending: ComputedRef<readonly PendingInput[]>
  /** Whether any run is active or about to start; inputs that no agent accepts do not count. */
  isRunning: ComputedRef<boolean>
  /** Whether there are older messages to load. */
  hasOlder: ComputedRef<boolean>
  /** Whether a load of older messages is running. */
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
export function useView<M extends object>(options: OwnViewSource<M> & { limit?: number }): UseViewReturn<M>
export function useView(options?: UseViewOptions): UseViewReturn
export function useView<M extends object>(options: UseViewOptions<M> = {}): UseViewReturn<M> {
  const { view, limit = 30 } = options
  const { binding, shown, current, actor } = useViewSource(options)
  if (!view) binding?.want(limit)
  const isHydrated = useHydrated()
  const all = computed(() => shown().getMessages())
  const newest = () => all.value.slice(Math.max(0, all.value.length - limit))
  // NOTE: a server renders some components before others have asked for more messages
  const messages = computed(() => (binding && (isServer() || !isHydrated()) ? newest() : all.value))

  return {
    view: view ?? forward(shown, current),
    messages,
    blocks: computed<readonly MessageBlock<M>[]>((known) => groupIntoBlocks(messages.value, known ?? [])),
    runs: computed(() => shown().runs()),
    pending: computed(() => shown().pending()),
    isRunning: computed(() => shown().isRunning),
    hasOlder: computed(() => shown().hasOlder() || all.value.length > messages.value.length),
    isLoadingOlder: computed(() => shown().isLoadingOlder),
    ...verbsOf(actor),
  }
}
