import { computed, toValue, type ComputedRef, type MaybeRefOrGetter } from 'vue'
import { isRunning, type RunInfo } from '../core/run-info'
import { reuseIfEqual } from '../core/collections'
import type { RunScope } from '../session/submission'
import type { AppMessage } from '../store/app-message'
import type { ViewVerbs } from '../store/verbs'
import { useViewSource, type ViewSource } from './view-source'

export interface UseRunsOptions<M extends object = AppMessage> extends ViewSource<M> {
  /** Runs of the shown branch, of this client, or of the whole session. @default 'view' */
  scope?: MaybeRefOrGetter<RunScope | undefined>
}

export interface UseRunsReturn {
  /** Those that have started. */
  runs: ComputedRef<readonly RunInfo[]>
  /** Those that are active. */
  active: ComputedRef<readonly RunInfo[]>
  /** Cancels a run, or, by its message id, an input without a run. */
  cancel: ViewVerbs['cancel']
  /** Cancels every run of the scope that is active, about to start, or suspended. */
  cancelAll: () => Promise<void>
}

/**
 * The runs of a session, and how to stop them.
 *
 * @example
 * const { active, cancel } = useRuns({ scope: 'mine' })
 */
export function useRuns<M extends object = AppMessage>(options: UseRunsOptions<M> = {}): UseRunsReturn {
  const { shown, actor } = useViewSource(options)
  const scope = (): RunScope => toValue(options.scope) ?? 'view'
  const runs = computed<readonly RunInfo[]>((known) => reuseIfEqual(known, shown().runs(scope())))
  return {
    runs,
    active: computed<readonly RunInfo[]>((known) => reuseIfEqual(known, runs.value.filter(isRunning))),
    cancel: (target) => actor().cancel(target),
    cancelAll: () => actor().cancelAll({ scope: scope() }),
  }
}
