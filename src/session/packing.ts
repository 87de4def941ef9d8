import type { TreeNode } from '../core/node'
import { inSlices } from './scheduling'

/** How long no node must be added before packing begins, in milliseconds. */
const idleTime = 10

// NOTE: rows that wait for long cost the garbage collector more than packing costs
const maxWaiting = 2000

/** Packs the rows of nodes once the page has time; of many nodes at once. */
export class Packing<M extends object> {
  readonly #pack: (node: TreeNode<M>) => void
  readonly #waiting = new Set<TreeNode<M>>()
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(pack: (node: TreeNode<M>) => void) {
    this.#pack = pack
  }

  /** Adds the nodes among these subjects. */
  add(subjects: Iterable<TreeNode<M> | string>): void {
    for (const node of subjects) {
      if (typeof node === 'string') continue
      if (this.#waiting.size < maxWaiting) this.#waiting.add(node)
      else this.#pack(node)
    }
    this.cancel()
    if (this.#waiting.size > 0) this.#timer = setTimeout(() => void inSlices(() => this.#packNext()), idleTime)
  }

  cancel(): void {
    clearTimeout(this.#timer)
  }

  /** False when no node waits. */
  #packNext(): boolean {
    for (const node of this.#waiting) {
      this.#waiting.delete(node)
      this.#pack(node)
      return true
    }
    return false
  }
}
