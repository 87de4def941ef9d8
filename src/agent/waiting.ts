import type { RunNode } from '../core/run-node'
import { MessageName } from '../core/wire'
import { runSuspend, type RunIdentity } from './headers'
import { BusyError } from './misuse'
import type { Outlet } from './outlet'
import type { ChannelView } from './run-host'
import { untilFound } from './until-found'

/** A run that waits for somebody, and that its process watches over meanwhile: it has nobody else to end it. */
export class Waiting {
  private constructor(
    private readonly view: Pick<ChannelView<object>, 'tree'>,
    private readonly runId: string,
    /** Serial of the message that says so. */
    private readonly since: string,
  ) {}

  /**
   * Tells the others that a run waits.
   * @throws {@link SessionError} 104003 when the channel refuses that
   */
  static async begin(view: Pick<ChannelView<object>, 'tree'>, outlet: Outlet, identity: RunIdentity): Promise<Waiting> {
    const since = await outlet.declare('suspend the run', runSuspend(identity))
    return new Waiting(view, identity.runId, since)
  }

  /** Whether somebody else has taken up the run since, or ended it: then it is theirs. */
  get isOver(): boolean {
    const rows = this.view.tree.runs.get(this.runId)?.allRows() ?? []
    return rows.some(({ name, serial }) => takesUp.has(name) && serial > this.since)
  }
}

/**
 * Waits while a run is being written: nobody else may write it meanwhile.
 * @throws {@link BusyError} when it still is after that time
 */
export async function untilWaiting<M extends object>(
  view: ChannelView<M>,
  run: RunNode<M>,
  { signal, timeout }: { signal: AbortSignal; timeout: number },
): Promise<void> {
  const look = (): true | undefined => {
    view.tree.settle()
    return run.state.status === 'active' ? undefined : true
  }
  if (!(await untilFound(view, { look, timeout, signal })))
    throw new BusyError(`run "${run.key}" is still being written`)
}

/** Names of the messages by which a run that waited is taken up, or ended. */
export const takesUp: ReadonlySet<string | undefined> = new Set([MessageName.runResume, MessageName.runEnd])
