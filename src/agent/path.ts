import { isFork } from '../core/forks'
import type { Row } from '../core/row'
import type { TreeNode } from '../core/node'
import { RunNode } from '../core/run-node'
import type { Tree } from '../core/tree'
import { Header } from '../core/wire'
import { isContinuation, isRegeneration } from './run-messages'
import type { History } from './history'

/** A node on the path to a trigger. */
export interface Waypoint<M extends object> {
  readonly node: TreeNode<M>
  /** The last of its messages on the path; undefined when all of them are. */
  readonly until?: string
}

/** The path from the beginning of a conversation to a trigger. */
export interface Path<M extends object> {
  readonly waypoints: readonly Waypoint<M>[]
  /** False while only the id of the path's first message is known. */
  readonly isWhole: boolean
}

/** Walks back from a trigger to the beginning. The output of the triggered run is not part of it. The tree must be settled. */
export function pathTo<M extends object>(tree: Tree<M>, trigger: Row): Path<M> {
  const waypoints: Waypoint<M>[] = []
  const seen = new Set<TreeNode<M>>()
  // NOTE: a message that follows one inside a run replaces the rest of that run
  let { id, cuts, isWhole } = beginningOf(tree, trigger)
  while (id !== undefined) {
    const node = tree.nodeOf(id)
    if (node && seen.has(node)) break
    if (!node || isHalfKnown(node)) isWhole = false
    if (!node) break
    seen.add(node)
    waypoints.push({ node, ...(cuts && { until: id }) })
    cuts = node instanceof RunNode
    id = node.parent
  }
  return { waypoints: waypoints.toReversed(), isWhole }
}

/** The parent of a run is certain only once its start is known. */
const isHalfKnown = <M extends object>(node: TreeNode<M>): boolean => node instanceof RunNode && !node.start

/** Where the walk begins: at the prompt itself, else at the parent of its reply. */
function beginningOf<M extends object>(
  tree: Tree<M>,
  trigger: Row,
): { id: string | undefined; cuts: boolean; isWhole: boolean } {
  const { transport } = trigger
  if (isContinuation(trigger)) {
    const run = tree.runs.get(transport[Header.runId]!)
    return { id: run?.parent, cuts: true, isWhole: run !== undefined && !isHalfKnown(run) }
  }
  const follows = isRegeneration(trigger) || isFork(trigger)
  return { id: transport[follows ? Header.parent : Header.messageId], cuts: follows, isWhole: true }
}

// NOTE: bounds memory: a prompt may name a parent that does not exist, which would read all of history
const maxMessages = 100_000

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
  await history.readUntil(() => signal.aborted || isKnown(), maxMessages)
}

/** Settles a tree for a reader that does not wait for late text: streams that an ended run left open count as closed. */
export function settleFully(tree: Tree<object>): void {
  tree.settle()
  tree.endOverdue()
  tree.settle()
}
