import { BranchWalk, type PathSegment } from '../core/branch'
import { noItems, sameItems } from '../core/collections'
import type { TreeNode } from '../core/node'
import { isRunning, type RunInfo } from '../core/run-info'
import { RunNode } from '../core/run-node'
import type { RunEndReason, RunError } from '../core/run-state'
import type { RunTransition } from '../core/run-status-tracker'
import type { Tree } from '../core/tree'
import type { ViewMessage } from '../core/view-message'
import type { Branches } from './branches'
import type { Changes, Subject } from './context'
import type { PendingEntry } from './pending-inputs'
import { inSlices } from './scheduling'
import type { Session } from './session'
import type { PendingPrompt } from './submission'
import type { ViewWindow } from './view-window'

/** A change of status of a run on this view's branch. */
export interface RunEvent {
  readonly type: 'start' | 'suspend' | 'resume' | 'end'
  readonly runId: string
  readonly run: RunInfo
  /** How it ended; only on `end`. */
  readonly reason?: RunEndReason
  readonly error?: RunError
}

export function runEvent<M extends object>(tree: Tree<M>, { run, from, to }: RunTransition<M>): RunEvent {
  const type = to === 'active' ? (from === undefined ? 'start' : 'resume') : to === 'suspended' ? 'suspend' : 'end'
  const info = tree.info(run)
  const ended = type === 'end' && { reason: to as RunEndReason, ...(info.error && { error: info.error }) }
  return { type, runId: run.key, run: info, ...ended }
}

const stepSize = 100

/** The lists of a view. They keep their identity until they differ, and follow changes at their end without a new walk. */
export class ViewLists<M extends object> {
  runs: readonly RunInfo[] = noItems
  pending: readonly PendingPrompt[] = noItems
  readonly #session: Session<M>
  readonly #window: ViewWindow<M>
  readonly #branches: Branches<M>
  #walk: BranchWalk<M>
  #choices = 0
  /** The path whose runs are listed, and how many of its segments. */
  #path: readonly PathSegment<M>[] = noItems
  #listed = 0
  readonly #runPlaces = new Map<RunNode<M>, number>()
  #activeRuns = 0
  /** Entries behind `pending`, in the same order. */
  #entries: PendingEntry[] = []
  readonly #entryOf = new Map<Subject<M>, PendingEntry>()
  #underWay = 0

  constructor(session: Session<M>, window: ViewWindow<M>, branches: Branches<M>) {
    this.#session = session
    this.#window = window
    this.#branches = branches
    this.#walk = new BranchWalk(session.tree, branches)
    this.rebuild()
  }

  get messages(): readonly ViewMessage<M>[] {
    return this.#window.messages
  }

  get activeRuns(): number {
    return this.#activeRuns
  }

  /** Whether a run is active, or a pending input may still start or resume one. */
  get isRunning(): boolean {
    return this.#activeRuns > 0 || this.#underWay > 0
  }

  /** Whether choices were made that the lists do not show yet. */
  get isOutdated(): boolean {
    return this.#choices !== this.#branches.changes
  }

  has(node: TreeNode<M>): boolean {
    return this.#walk.has(node)
  }

  /** The nodes on the branch; walked again when the tree's structure or the choices have changed. */
  path(): readonly PathSegment<M>[] {
    if (!this.#walk.isCurrent || this.isOutdated) this.#walk = new BranchWalk(this.#session.tree, this.#branches)
    this.#choices = this.#branches.changes
    return this.#walk.path
  }

  /** Walks the path without blocking the page; `path()` only adds changes that happened meanwhile. */
  async prepare(): Promise<void> {
    const { changes } = this.#branches
    if (this.#walk.isCurrent && !this.isOutdated) return
    const walk = new BranchWalk(this.#session.tree, this.#branches, true)
    const isUseful = (): boolean => walk.isCurrent && this.#branches.changes === changes
    await inSlices(() => isUseful() && walk.advance(stepSize))
    if (!isUseful()) return
    this.#walk = walk
    this.#choices = changes
  }

  rebuild(): void {
    const path = this.path()
    this.#window.list(path)
    this.#listAll(path)
  }

  /** Applies changes of the session. */
  apply({ structure, moved, touched, pending }: Changes<M>): void {
    const where = structure && !this.isOutdated ? this.#walk.follow(moved) : undefined
    if (!where && (structure || this.isOutdated)) return this.rebuild()
    const path = this.path()
    if (where) this.#window.extend(path, where === 'inside' ? moved! : noItems)
    if (path !== this.#path) return this.#listAll(path)
    const subjects = new Set(pending)
    this.#listFurther(path, subjects)
    if (where && this.#session.pending.hasRequests) for (const node of moved!) this.#addRequests(node, subjects)
    this.#updateRuns(touched)
    this.#updatePending(subjects)
  }

  #listAll(path: readonly PathSegment<M>[]): void {
    const former = this.runs
    this.#path = path
    this.#listed = this.#activeRuns = 0
    this.runs = noItems
    this.#runPlaces.clear()
    this.#listFurther(path, new Set())
    if (sameItems(this.runs, former)) this.runs = former
    this.#listPending()
  }

  /** Lists the runs of new segments; collects the subjects that may be pending there. */
  #listFurther(path: readonly PathSegment<M>[], subjects: Set<Subject<M>>): void {
    const added: RunInfo[] = []
    for (; this.#listed < path.length; this.#listed++) {
      const { node } = path[this.#listed]!
      subjects.add(node)
      if (!(node instanceof RunNode) || node.isPlaceholder) continue
      this.#runPlaces.set(node, this.runs.length + added.length)
      const info = this.#session.tree.info(node)
      if (isRunning(info)) this.#activeRuns++
      added.push(info)
    }
    if (added.length > 0) this.runs = [...this.runs, ...added]
  }

  #updateRuns(touched: readonly RunNode<M>[]): void {
    let runs: RunInfo[] | undefined
    for (const run of touched) {
      const place = this.#runPlaces.get(run)
      const former = place === undefined ? undefined : (runs ?? this.runs)[place]
      const info = former && this.#session.tree.info(run)
      if (place === undefined || !info || info === former) continue
      this.#activeRuns += Number(isRunning(info)) - Number(isRunning(former))
      runs ??= [...this.runs]
      runs[place] = info
    }
    if (runs) this.runs = runs
  }

  /** Adds requests for another reply that may have waited for a message of this node. */
  #addRequests(node: TreeNode<M>, subjects: Set<Subject<M>>): void {
    for (const id of node.messageIds()) {
      for (const { inputId } of this.#session.pending.requestsAt(id)) subjects.add(inputId)
    }
  }

  #shows(subject: Subject<M>, { parent = '' }: PendingEntry): boolean {
    const node = typeof subject === 'string' ? this.#session.tree.nodeOf(parent) : subject
    return node !== undefined && this.has(node)
  }

  #listPending(): void {
    this.#entryOf.clear()
    this.#underWay = 0
    for (const [subject, entry] of this.#session.pending.entries()) {
      if (!this.#shows(subject, entry)) continue
      this.#entryOf.set(subject, entry)
      if (entry.isUnderWay) this.#underWay++
    }
    this.#entries = [...this.#entryOf.values()].toSorted((a, b) => (a.order < b.order ? -1 : Number(a.order > b.order)))
    const pending = this.#entries.map(({ prompt }) => prompt)
    if (!sameItems(pending, this.pending)) this.pending = pending
  }

  #updatePending(subjects: ReadonlySet<Subject<M>>): void {
    let pending: PendingPrompt[] | undefined
    for (const subject of subjects) {
      const former = this.#entryOf.get(subject)
      const entry = this.#session.pending.get(subject)
      const next = entry && this.#shows(subject, entry) ? entry : undefined
      if (former === next) continue
      pending ??= [...this.pending]
      this.#underWay += Number(next?.isUnderWay ?? false) - Number(former?.isUnderWay ?? false)
      const from = former ? this.#placeOf(former) : -1
      const isInPlace = former?.order === next?.order
      if (former && next && isInPlace) {
        this.#entries[from] = next
        pending[from] = next.prompt
      } else {
        if (former) this.#entries.splice(from, 1)
        if (former) pending.splice(from, 1)
        if (next) {
          const to = this.#endOf(next.order)
          this.#entries.splice(to, 0, next)
          pending.splice(to, 0, next.prompt)
        }
      }
      if (next) this.#entryOf.set(subject, next)
      else this.#entryOf.delete(subject)
    }
    if (pending && !sameItems(pending, this.pending)) this.pending = pending
  }

  #placeOf(entry: PendingEntry): number {
    return this.#entries.lastIndexOf(entry, this.#endOf(entry.order) - 1)
  }

  /** Behind all entries of this or a lower order. */
  #endOf(order: string): number {
    let low = 0
    let high = this.#entries.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#entries[middle]!.order <= order) low = middle + 1
      else high = middle
    }
    return low
  }
}
