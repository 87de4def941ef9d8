import { isFork } from '../core/forks'
import type { Row } from '../core/log'
import { RunNode } from '../core/run-node'
import type { TreeNode } from '../core/node'
import type { Tree } from '../core/tree'
import { Header } from '../core/wire'
import { isContinuation, isRegeneration } from './headers'

/** A node on the way to a trigger. */
export interface Waypoint<M extends object> {
  readonly node: TreeNode<M>
  /** The last of its messages that is on the way; undefined for all of them. */
  readonly until?: string
}

/** The way from the beginning of a conversation to a trigger. */
export interface Path<M extends object> {
  readonly waypoints: readonly Waypoint<M>[]
  /** False while it begins with a message of which only the id is known. */
  readonly isWhole: boolean
}

/** Walks from a trigger to the beginning. What the run itself has written is not on the way. The tree must be settled. */
export function pathTo<M extends object>(tree: Tree<M>, trigger: Row): Path<M> {
  const waypoints: Waypoint<M>[] = []
  const seen = new Set<TreeNode<M>>()
  // NOTE: whatever follows a message inside a run has taken the place of the rest of that run
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

/** A run without its start does not say for certain what it follows. */
const isHalfKnown = <M extends object>(node: TreeNode<M>): boolean => node instanceof RunNode && !node.state.start

/** Where the way back begins: at a prompt itself, else at what its reply follows. */
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
