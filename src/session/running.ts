import type { RunInfo } from '../core/run-info'
import type { RunList, RunScope } from './pending'
import type { CancelTarget } from './stops'
import type { ViewHost } from './view-host'

/** Runs that have started, of this client or of the whole session. */
export const startedRuns = <M extends object>({ all, channel }: ViewHost<M>, scope: RunScope): readonly RunInfo[] =>
  all.runs().filter(({ clientId }) => scope === 'session' || isOwn(channel, clientId))

/** What there is to stop: runs that are active or wait for somebody, and what is about to start one. */
export function stoppable<M extends object>(host: ViewHost<M>, scope: RunScope, view: RunList): CancelTarget[] {
  const runs = view
    .runs(scope)
    .filter(({ status, cancelling }) => status === 'active' || (status === 'suspended' && !cancelling))
  const prompts = scope === 'view' ? view.pending() : host.pending.all()
  // NOTE: what was stopped, or whose agent cannot be woken, has nothing more to stop
  const waiting = prompts.filter(
    ({ runId, cancelling, wake, clientId }) =>
      runId === undefined &&
      !cancelling &&
      wake?.state !== 'failed' &&
      (scope !== 'mine' || isOwn(host.channel, clientId)),
  )
  return [...runs.map((run) => run.runId), ...waiting]
}

const isOwn = ({ clientId = '' }: ViewHost<object>['channel'], owner: string): boolean => owner === clientId
