import { ErrorCode, SessionError } from '../core/errors'
import type { RunNode } from '../core/run-node'
import type { ChannelView } from './run-host'
import { settleFinally } from './settle-finally'
import { untilFound } from './until-found'

// NOTE: bounds memory: anybody may name a run that never was, and then all of history is looked through
const maxMessages = 100_000

interface Search {
  readonly runId: string
  readonly signal: AbortSignal
}

/**
 * A run as the channel knows it, read back to its start; without one, as far as history goes.
 * @throws {@link SessionError} 104011 when history cannot be read
 */
export async function readRun<M extends object>(
  { tree, history }: ChannelView<M>,
  { runId, signal }: Search,
): Promise<RunNode<M> | undefined> {
  const run = (): RunNode<M> | undefined => {
    settleFinally(tree)
    return tree.runs.get(runId)
  }
  const isKnown = (): boolean => {
    const start = run()?.state.start
    return start !== undefined && history.covers(start.serial)
  }
  await history.readUntil(() => signal.aborted || isKnown(), maxMessages)
  return run()
}

/**
 * A run whose start is on the channel or comes in time.
 * @throws {@link SessionError} 104010 when it does not, 104011 when history cannot be read
 */
export async function awaitRun<M extends object>(
  view: ChannelView<M>,
  { runId, signal, timeout }: Search & { timeout: number },
): Promise<RunNode<M>> {
  const { tree, history } = view
  const look = (): RunNode<M> | undefined => {
    tree.settle()
    const run = tree.runs.get(runId)
    return run?.state.start && run
  }
  const read = (isOver: () => boolean): Promise<void> => history.readUntil(isOver, maxMessages)
  const run = await untilFound(view, { look, read, timeout, signal })
  if (!run) throw noRun(runId)
  return (await readRun(view, { runId, signal })) ?? run
}

const noRun = (runId: string): SessionError =>
  new SessionError(`unable to find the run; no start of run "${runId}" is on the channel`, ErrorCode.NotFound)
