import { bySort, type TreeNode } from './node'

/** Nodes in sort order, sorted when somebody asks. */
export class NodeList<M extends object> {
  #nodes: readonly TreeNode<M>[] = []
  #arrived: TreeNode<M>[] = []
  #isSorted = true

  add(node: TreeNode<M>): void {
    this.#arrived.push(node)
    this.#isSorted = false
  }

  remove(gone: ReadonlySet<TreeNode<M>>): void {
    this.#nodes = this.#nodes.filter((node) => !gone.has(node))
    this.#arrived = this.#arrived.filter((node) => !gone.has(node))
  }

  /** Something moved. */
  touch(): void {
    this.#isSorted = false
  }

  /** A new array whenever nodes came, went or moved. */
  sorted(): readonly TreeNode<M>[] {
    if (!this.#isSorted) {
      // NOTE: almost sorted already, which makes it cheap
      this.#nodes = [...this.#nodes, ...this.#arrived.splice(0)].toSorted(bySort)
      this.#isSorted = true
    }
    return this.#nodes
  }
}
