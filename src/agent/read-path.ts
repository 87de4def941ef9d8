import type { Row } from '../core/log'
import { pathTo } from './path'
import type { ChannelView } from './run-host'

// NOTE: bounds memory: a prompt may name a parent that does not exist, and then all of history is looked through
const maxMessages = 100_000

/**
 * Reads back until the conversation before a trigger is known: a model must not be asked without it.
 * @throws {@link SessionError} 104011 when history cannot be read
 */
export async function readPath<M extends object>(
  { tree, history }: ChannelView<M>,
  trigger: Row,
  signal: AbortSignal,
): Promise<void> {
  const isKnown = (): boolean => {
    tree.settle()
    const { waypoints, isWhole } = pathTo(tree, trigger)
    return isWhole && history.covers(waypoints[0]?.node.sort ?? trigger.serial)
  }
  await history.readUntil(() => signal.aborted || isKnown(), maxMessages)
}
