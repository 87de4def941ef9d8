import type { AppMessage } from '../store/app-message'
import { computed, toValue, type ComputedRef, type MaybeRefOrGetter } from 'vue'
import type { RunInfo } from '../core/run-info'
import type { ViewMessage } from '../core/view-message'
import type { ClientSession } from '../session/client-session'
import { useClientSession } from './use-client-session'

export interface UseRunOptions<M extends object = AppMessage> {
  /** A session from `useClientSession` or `createClientSession`. @default the nearest one */
  session?: ClientSession<M>
}

export interface UseRunReturn<M extends object = AppMessage> {
  /** Undefined until the run has started. */
  run: ComputedRef<RunInfo | undefined>
  /** The reply so far. */
  messages: ComputedRef<readonly ViewMessage<M>[]>
  isActive: ComputedRef<boolean>
  /** Cancels it; does nothing without a run id. */
  cancel: () => Promise<void>
}

/**
 * One run of a session by its id.
 *
 * @example
 * const { run, cancel } = useRun(() => props.runId)
 */
export function useRun<M extends object>(
  runId: MaybeRefOrGetter<string | null | undefined>,
  options: Required<UseRunOptions<M>>,
): UseRunReturn<M>
export function useRun(runId: MaybeRefOrGetter<string | null | undefined>, options?: UseRunOptions): UseRunReturn
export function useRun<M extends object>(
  runId: MaybeRefOrGetter<string | null | undefined>,
  options: UseRunOptions<M> = {},
): UseRunReturn<M> {
  // The nearest session has the app's messages, and so has M when no session is given
  const session = options.session ?? (useClientSession().session as unknown as ClientSession<M>)
  const id = (): string => toValue(runId) ?? ''
  const run = computed(() => session.tree.run(id()))
  return {
    run,
    messages: computed(() => session.tree.messagesOf(id())),
    isActive: computed(() => run.value?.status === 'active'),
    cancel: async () => {
      if (id() !== '') await session.cancel(id())
    },
  }
}
