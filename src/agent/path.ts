import type { Row } from '../core/log'
import { RunNode } from '../core/run-node'
import type { TreeNode } from '../core/node'
import type { Tree } from '../core/tree'
import { Header } from '../core/wire'

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

/** Whether an input asks for another reply instead of being a message itself. */
export const isRegeneration = (trigger: Row): boolean => trigger.transport[Header.regenerates] !== undefined

/** Walks from a trigger to the beginning. The tree must be settled. */
export function pathTo<M extends object>(tree: Tree<M>, trigger: Row): Path<M> {
  const waypoints: Waypoint<M>[] = []
  const seen = new Set<TreeNode<M>>()
  // NOTE: whatever follows a message inside a run has taken the place of the rest of that run
  let cuts = isRegeneration(trigger)
  let id = trigger.transport[cuts ? Header.parent : Header.messageId]
  let isWhole = true
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
