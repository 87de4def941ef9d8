import type { Tree } from '../core/tree'

/** Brings nodes in step with their rows as if nothing more were to come. */
export function settleFinally(tree: Tree<object>): void {
  tree.settle()
  tree.endOverdue()
  tree.settle()
}
