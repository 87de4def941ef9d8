import type { AppMessage } from '../store/app-message'
import { computed, toValue, type ComputedRef, type MaybeRefOrGetter } from 'vue'
import type { RunInfo } from '../core/run-info'
import type { ClientSession } from '../session/client-session'
import type { CancelTarget } from '../session/stops'
import type { RunScope } from '../session/pending'
import { useClientSession } from './use-client-session'

export interface UseRunsOptions {
  /** A session from `useClientSession` or `createClientSession`. @default the nearest one */
  session?: Pick<ClientSession<AppMessage>, 'runs' | 'cancel' | 'cancelAll'>
  /** Runs of the shown branch, of this client, or of the whole session. @default 'view' */
  scope?: MaybeRefOrGetter<RunScope | undefined>
}

export interface UseRunsReturn {
  runs: ComputedRef<readonly RunInfo[]>
  /** Those that are active. */
  active: ComputedRef<readonly RunInfo[]>
  cancel: (target: CancelTarget) => Promise<void>
  /** Cancels every run of the scope that is active or about to start. */
  cancelAll: () => Promise<void>
}

/**
 * The runs of a session, and how to stop them.
 *
 * @example
 * const { active, cancel } = useRuns({ scope: 'mine' })
 */
export function useRuns(options: UseRunsOptions = {}): UseRunsReturn {
  const session = options.session ?? useClientSession().session
  const scope = (): RunScope => toValue(options.scope) ?? 'view'
  const runs = computed(() => session.runs(scope()))
  return {
    runs,
    active: computed(() => runs.value.filter((run) => run.status === 'active')),
    cancel: (target) => session.cancel(target),
    cancelAll: () => session.cancelAll({ scope: scope() }),
  }
}
