import { ErrorCode, unableTo } from '../core/errors'
import { isOpen } from '../core/log'
import type { Row } from '../core/rows'
import type { RunNode } from '../core/run-node'
import type { Tree } from '../core/tree'
import type { AgentChannel } from './channel'
import { BusyError } from './errors'
import { pathTo } from './turns'
import { waitFor, type History } from './history'

/** The part of a channel that looking something up needs. */
type Searchable<M extends object> = Pick<AgentChannel<M, unknown>, 'tree' | 'history' | 'onHeard'>

interface SearchOptions {
  readonly signal: AbortSignal
  /** In milliseconds. */
  readonly timeout: number
}

// NOTE: bounds memory: a client may name a run that does not exist, which would read all of history
export const maxRunMessages = 100_000

/**
 * Finds the row that an agent was woken for: known already, in history, or heard in time.
 *
 * @param options - `maxMessages`: how much history to read. A request is about a recent input, and may come from
 * anywhere
 * @throws {@link SessionError} 104010 when it is not found, 104011 when history cannot be read, 40033 when aborted
 */
export async function findTrigger(
  channel: Pick<AgentChannel<object, unknown>, 'triggers' | 'history' | 'onHeard'>,
  eventId: string,
  { signal, timeout = 10_000, maxMessages = 5000 }: { signal: AbortSignal; timeout?: number; maxMessages?: number },
): Promise<Row> {
  const look = (): Row | undefined => channel.triggers.find(eventId)
  const read = (isOver: () => boolean): Promise<void> => channel.history.readUntil(isOver, maxMessages)
  const found = await waitFor(channel, { look, read, timeout, signal }).catch((cause: unknown) => {
    if (!signal.aborted) throw cause
    throw unableTo('find the prompt', 'the wait was aborted', ErrorCode.Cancelled, { cause: signal.reason })
  })
  if (found) return found
  const seconds = timeout / 1000
  const reason = `no input with event id "${eventId}" is on the channel, and none arrived within ${seconds} s`
  throw unableTo('find the prompt', reason, ErrorCode.NotFound)
}

/**
 * Reads history back to the start of a run; undefined when the channel does not know the run.
 * @throws {@link SessionError} 104011 when history cannot be read
 */
export async function readRun<M extends object>(
  { tree, history }: Pick<Searchable<M>, 'tree' | 'history'>,
  runId: string,
  signal: AbortSignal,
): Promise<RunNode<M> | undefined> {
  const run = (): RunNode<M> | undefined => {
    settleFully(tree)
    return tree.runs.get(runId)
  }
  const isKnown = (): boolean => {
    const start = run()?.start
    return start !== undefined && history.covers(start.serial)
  }
  await history.readUntil(() => signal.aborted || isKnown(), maxRunMessages)
  return run()
}

/**
 * Finds a run whose start is on the channel or arrives in time.
 * @throws {@link SessionError} 104010 when it does not, 104011 when history cannot be read; the signal's reason when
 * aborted
 */
export async function findRun<M extends object>(
  channel: Searchable<M>,
  runId: string,
  { signal, timeout }: SearchOptions,
): Promise<RunNode<M>> {
  const { tree, history } = channel
  const look = (): RunNode<M> | undefined => {
    tree.settle()
    const run = tree.runs.get(runId)
    return run?.start && run
  }
  const read = (isOver: () => boolean): Promise<void> => history.readUntil(isOver, maxRunMessages)
  const run = await waitFor(channel, { look, read, timeout, signal })
  if (!run) throw unableTo('find the run', `no start of run "${runId}" is on the channel`, ErrorCode.NotFound)
  return (await readRun(channel, runId, signal)) ?? run
}

/**
 * Waits while a run is active: only one process may write it.
 * @throws {@link BusyError} when it still is after the timeout
 */
export async function waitUntilInactive<M extends object>(
  channel: Pick<Searchable<M>, 'tree' | 'onHeard'>,
  run: RunNode<M>,
  { signal, timeout }: SearchOptions,
): Promise<void> {
  const look = (): true | undefined => {
    channel.tree.settle()
    return run.state.status === 'active' ? undefined : true
  }
  if (!(await waitFor(channel, { look, timeout, signal }))) throw new BusyError(`run "${run.key}" is still active`)
}

// In milliseconds; a stream that stays open longer was left open by an agent that died
const textTimeout = 2000

/** Waits for text of a run that is continued: the message that continues the run can overtake it. */
export async function waitForText<M extends object>(
  channel: Pick<Searchable<M>, 'tree' | 'onHeard'>,
  runId: string,
): Promise<void> {
  const look = (): true | undefined => {
    channel.tree.settle()
    return channel.tree.runs.get(runId)?.rows.some(isOpen) ? undefined : true
  }
  await waitFor(channel, { look, timeout: textTimeout })
}

// NOTE: bounds memory: a prompt may name a parent that does not exist, which would read all of history
const maxPathMessages = 100_000

/**
 * Reads history until the conversation before a trigger is known: the model must get all of it.
 * @throws {@link SessionError} 104011 when history cannot be read
 */
export async function readPath<M extends object>(
  { tree, history }: { readonly tree: Tree<M>; readonly history: History },
  trigger: Row,
  signal: AbortSignal,
): Promise<void> {
  const isKnown = (): boolean => {
    tree.settle()
    const { waypoints, isWhole } = pathTo(tree, trigger)
    return isWhole && history.covers(waypoints[0]?.node.serial ?? trigger.serial)
  }
  await history.readUntil(() => signal.aborted || isKnown(), maxPathMessages)
}

/**
 * Settles a tree for a reader that does not wait for late text: streams that an ended run left open count as closed.
 */
export function settleFully(tree: Tree<object>): void {
  tree.settle()
  tree.endOverdue()
  tree.settle()
}
