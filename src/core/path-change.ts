import { unsent, type TreeNode } from './node'

/** What the review of moved nodes has found. */
export class PathChange<M extends object> {
  /** Moved nodes that have not been reviewed yet. */
  readonly pending: Set<TreeNode<M>>
  /** The level from which the path has to be walked again. */
  from: string | undefined

  constructor(moved: readonly TreeNode<M>[]) {
    this.pending = new Set(moved)
  }

  walkFrom(at: string): void {
    if (this.from === undefined || at < this.from) this.from = at
  }

  /** Whether a place is walked again in any case. */
  covers(at: string): boolean {
    return this.from !== undefined && at >= this.from
  }
}

/** Above every level. */
export const everywhere = `${unsent}${unsent}`

export const atOf = ({ at }: { readonly at: string }): string => at

export const lower = (a: string, b: string): string => (a < b ? a : b)

export const higher = (a: string, b: string): string => (a > b ? a : b)
