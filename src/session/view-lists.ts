import { BranchWalk, type PathSegment } from '../core/branch'
import type { InputNode } from '../core/input-node'
import type { TreeNode } from '../core/node'
import type { RunInfo } from '../core/run-info'
import { RunNode } from '../core/run-node'
import { sameItems } from '../core/collections'
import type { Settled } from '../core/tree'
import type { ViewMessage } from '../core/view-message'
import type { Branches } from './branches'
import { same, type PendingPrompt } from './pending'
import { inSlices } from './slices'
import type { ViewHost } from './view-host'
import type { ViewWindow } from './view-window'

const stepSize = 100

/** What a view shows. Lists keep their identity until they differ; what comes at their end is followed without a new walk. */
export class ViewLists<M extends object> {
  runs: readonly RunInfo[] = []
  pending: readonly PendingPrompt[] = []
  #walk: BranchWalk<M>
  #picks = 0
  /** The path whose runs are listed, and how much of it. */
  #path: readonly PathSegment<M>[] = []
  #listed = 0
  /** Prompts on the path that have no answer yet. */
  readonly #prompts = new Set<TreeNode<M>>()

  constructor(
    private readonly host: ViewHost<M>,
    private readonly window: ViewWindow<M>,
    private readonly branches: Branches<M>,
  ) {
    this.#walk = new BranchWalk(host.tree, branches)
    this.rebuild()
  }

  get messages(): readonly ViewMessage<M>[] {
    return this.window.messages
  }

  has(node: TreeNode<M>): boolean {
    return this.#walk.has(node)
  }

  /** The nodes on the branch; worked out again when the tree's structure or the choices have changed. */
  path(): readonly PathSegment<M>[] {
    const { picks } = this.branches
    if (!this.#walk.isCurrent || this.#picks !== picks) this.#walk = new BranchWalk(this.host.tree, this.branches)
    this.#picks = picks
    return this.#walk.path
  }

  /** Works the path out without keeping the page from reacting; `path()` is left with what changes meanwhile. */
  async prepare(): Promise<void> {
    const { picks } = this.branches
    if (this.#walk.isCurrent && this.#picks === picks) return
    const walk = new BranchWalk(this.host.tree, this.branches, true)
    const isUseful = (): boolean => walk.isCurrent && this.branches.picks === picks
    await inSlices(() => isUseful() && walk.advance(stepSize))
    if (!isUseful()) return
    this.#walk = walk
    this.#picks = picks
  }

  rebuild(): void {
    const path = this.path()
    this.window.list(path)
    this.#listRuns([], path)
  }

  /** Takes in what the tree has settled. */
  follow({ structure, moved, touched }: Settled<M>): void {
    const isSame = this.#picks === this.branches.picks
    const where = isSame && structure ? this.#walk.follow(moved) : undefined
    if (!where && (structure || !isSame)) return this.rebuild()
    const path = this.path()
    if (where === 'end') this.window.extend(path)
    else if (where) this.window.list(path)
    this.#listRuns(touched, path)
  }

  #listRuns(touched: readonly RunNode<M>[], path: readonly PathSegment<M>[]): void {
    if (path !== this.#path) return this.#listAllRuns(path)
    const added = this.#take(path)
    let runs = added.length > 0 ? [...this.runs, ...added] : this.runs
    for (const run of touched) {
      const index = this.has(run) ? runs.findLastIndex(({ runId }) => runId === run.runId) : -1
      const info = this.host.tree.info(run)
      if (index >= 0 && runs[index] !== info) runs = runs.with(index, info)
    }
    this.runs = runs
    this.#listPending()
  }

  #listAllRuns(path: readonly PathSegment<M>[]): void {
    this.#path = path
    this.#listed = 0
    this.#prompts.clear()
    const runs = this.#take(path)
    if (!sameItems(runs, this.runs)) this.runs = runs
    this.#listPending()
  }

  /** The runs of what has not been listed of a path; its prompts are kept. */
  #take(path: readonly PathSegment<M>[]): readonly RunInfo[] {
    const runs: RunInfo[] = []
    for (; this.#listed < path.length; this.#listed++) {
      const { node } = path[this.#listed]!
      if (node instanceof RunNode && !node.isPlaceholder) runs.push(this.host.tree.info(node))
      else this.#prompts.add(node)
    }
    return runs
  }

  #listPending(): void {
    const waiting = this.runs.flatMap(({ runId, status }) =>
      status === 'suspended' ? (this.host.pending.at(this.host.tree.runs.get(runId)!) ?? []) : [],
    )
    for (const node of this.#prompts) {
      const prompt = this.host.pending.at(node)
      if (prompt) waiting.push(prompt)
      // NOTE: one that failed is pending again when it is sent again
      else if (!(node as InputNode<M>).isFailed) this.#prompts.delete(node)
    }
    waiting.push(...this.host.pending.requests((node) => this.has(node)))
    const pending = waiting.map((prompt) => this.pending.find(same(prompt)) ?? prompt)
    if (!sameItems(pending, this.pending)) this.pending = pending
  }
}
