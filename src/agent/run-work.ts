import type { Row } from '../core/log'
import type { RunHooks } from './agent-run'
import { CancelWatch } from './cancel-watch'
import type { Outlet } from './outlet'
import type { RunHost } from './run-host'
import { RunOutput } from './run-output'
import { SteerWatch } from './steer-watch'
import type { Subject } from './subject'
import { Written } from './written'

/** What a run works with once it knows what it is about. */
export interface RunWork<Chunk> {
  readonly subject: Subject
  readonly cancels: CancelWatch
  readonly steers: SteerWatch
  readonly written: Written
  readonly output: RunOutput<Chunk>
}

/** What there is to work with besides. */
interface Means<M extends object, Chunk> {
  readonly host: RunHost<M, Chunk>
  readonly hooks: RunHooks<Chunk>
  readonly outlet: Outlet
  readonly signal: AbortSignal
  /** Tells the others that a request to stop is refused. */
  readonly refuse: (row: Row) => void
}

export function workOn<M extends object, Chunk>(subject: Subject, means: Means<M, Chunk>): RunWork<Chunk> {
  const { hooks, outlet, signal } = means
  const { tree, codec, messageOf, report } = means.host
  const { trigger, ownerClientId, identity } = subject
  const request = { runId: identity.runId, trigger, ownerClientId, messageOf, report }
  const cancels = new CancelWatch({ ...request, onCancel: hooks.onCancel, refuse: means.refuse })
  const steers = new SteerWatch({ ...request, onSteer: hooks.onSteer }, tree)
  const written = new Written()
  const { onCancelled } = hooks
  const output = new RunOutput<Chunk>({ codec, tree, outlet, identity, steers, written, signal, report, onCancelled })
  return { subject, cancels, steers, written, output }
}
