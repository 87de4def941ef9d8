import { MultiMap } from './multi-map'
import { unsent, type TreeNode } from './node'

/** Which node holds a message; of several that mention it, the one that did so at the lowest serial. */
export class MessageIndex<M extends object> {
  readonly #holders = new Map<string, TreeNode<M>>()
  /** Nodes that mention a message somebody else holds. */
  readonly #others = new MultiMap<TreeNode<M>>()

  holderOf(messageId: string): TreeNode<M> | undefined {
    return this.#holders.get(messageId)
  }

  /** A node mentions a message, at this serial. */
  add(messageId: string, node: TreeNode<M>, serial: string): void {
    const holder = this.#holders.get(messageId)
    if (holder === node) return
    if (!holder) return void this.#holders.set(messageId, node)
    const isLower = serial < (holder.serialOf(messageId) ?? unsent)
    if (isLower) {
      this.#holders.set(messageId, node)
      this.#others.remove(messageId, node)
    }
    const loser = isLower ? holder : node
    if (!this.#others.of(messageId).includes(loser)) this.#others.add(messageId, loser)
  }

  /** A node mentions a message no more, or only later. */
  drop(messageId: string, node: TreeNode<M>): void {
    const isMentioned = node.serialOf(messageId) !== undefined
    if (!isMentioned) this.#others.remove(messageId, node)
    if (this.#holders.get(messageId) !== node) return
    const candidates = [...(isMentioned ? [node] : []), ...this.#others.of(messageId)]
    const at = (each: TreeNode<M>): string => each.serialOf(messageId) ?? unsent
    const next = candidates.reduce((low, each) => (at(each) < at(low) ? each : low), candidates[0]!)
    if (!next) return void this.#holders.delete(messageId)
    this.#holders.set(messageId, next)
    this.#others.remove(messageId, next)
    if (isMentioned && next !== node) this.#others.add(messageId, node)
  }
}
