import type { AppMessage } from '../store/app-message'
import { computed, type ComputedRef, type MaybeRefOrGetter } from 'vue'
import { isRunning, type RunInfo } from '../core/run-info'
import type { ViewMessage } from '../core/view-message'
import { idOf, useViewSource, type OwnViewSource, type ViewSource } from './view-source'

export type UseRunOptions<M extends object = AppMessage> = ViewSource<M>

export interface UseRunReturn<M extends object = AppMessage> {
  /** Undefined until the run has started. */
  run: ComputedRef<RunInfo | undefined>
  /** The reply so far. */
  messages: ComputedRef<readonly ViewMessage<M>[]>
  /** Whether it is being written; a stalled run is not. */
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
  options: OwnViewSource<M>,
): UseRunReturn<M>
export function useRun(runId: MaybeRefOrGetter<string | null | undefined>, options?: UseRunOptions): UseRunReturn
export function useRun<M extends object>(
  runId: MaybeRefOrGetter<string | null | undefined>,
  options: UseRunOptions<M> = {},
): UseRunReturn<M> {
  const { shown, actor } = useViewSource(options)
  const id = (): string => idOf(runId)
  const run = computed(() => shown().run(id()))
  return {
    run,
    messages: computed(() => shown().messagesOf(id())),
    isActive: computed(() => run.value !== undefined && isRunning(run.value)),
    cancel: async () => {
      if (id() !== '') await actor().cancel(id())
    },
  }
}
