import { firstAbove } from './collections'
import { levelOf, type TreeNode } from './node'
import { unsent } from './row'

/** A node on a branch with those of its messages that show. */
export interface PathSegment<M extends object> {
  readonly node: TreeNode<M>
  readonly ids: readonly string[]
  /** The highest level up to here: a live message behind a later node stands behind it, also if its serial is lower. */
  readonly level: string
}

/** A segment as the walk knows it. */
export interface Step<M extends object> extends PathSegment<M> {
  ids: readonly string[]
  level: string
  /** The level that the walk had reached when it placed the node: the node's own, or that of a later parent. */
  at: string
  /** How many of the node's messages the walk has seen. */
  seen: number
}

/** The nodes on a branch, in the order in which a walk has placed them. */
export class Path<M extends object> {
  readonly #steps: Step<M>[] = []
  readonly #byNode = new Map<TreeNode<M>, Step<M>>()
  /** Messages of runs on the path whose place a reply inside the run has taken. */
  readonly dropped = new Set<string>()
  /** Whether nodes have joined or left it since this was reset. */
  hasChanged = false

  get steps(): readonly Step<M>[] {
    return this.#steps
  }

  get(node: TreeNode<M>): Step<M> | undefined {
    return this.#byNode.get(node)
  }

  has(node: TreeNode<M>): boolean {
    return this.#byNode.has(node)
  }

  /** Puts a node on the path; at the end, unless an index is given. */
  add(step: Step<M>, index = this.#steps.length): void {
    if (index === this.#steps.length) this.#steps.push(step)
    else this.#steps.splice(index, 0, step)
    this.#byNode.set(step.node, step)
    this.hasChanged = true
  }

  truncate(length: number): void {
    for (const { node, ids, seen } of this.#steps.splice(length)) {
      this.#byNode.delete(node)
      this.hasChanged = true
      for (const id of node.ids.slice(ids.length, seen)) this.dropped.delete(id)
    }
  }

  /** The index behind all steps that were placed up to this level. */
  indexAbove(at: string): number {
    return firstAbove(this.#steps, atOf, at)
  }

  indexOf(step: Step<M>): number {
    let index = this.indexAbove(step.at) - 1
    while (this.#steps[index] !== step) index--
    return index
  }

  /** Gives a step another level at the same place; false when it belongs elsewhere. */
  resettle(step: Step<M>, at: string): boolean {
    const index = this.indexOf(step)
    const before = this.#steps[index - 1]
    const after = this.#steps[index + 1]
    if ((before && before.at >= at) || (after && (after.at <= at || after.at === step.at))) return false
    step.at = at
    this.relevel(index)
    return true
  }

  /** Works out the levels again, from an index up to where they stay the same. */
  relevel(from: number): void {
    for (let index = from; index < this.#steps.length; index++) {
      const step = this.#steps[index]!
      const level = higher(this.#steps[index - 1]?.level ?? '', levelOf(step.node))
      if (level === step.level && index > from) return
      step.level = level
    }
  }
}

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

const atOf = ({ at }: { readonly at: string }): string => at

export const lower = (a: string, b: string): string => (a < b ? a : b)

export const higher = (a: string, b: string): string => (a > b ? a : b)
