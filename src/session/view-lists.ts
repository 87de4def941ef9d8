import { BranchWalk } from '../core/branch'
import { compare, noItems, reuseIfEqual } from '../core/collections'
import type { TreeNode } from '../core/node'
import type { PathSegment } from '../core/path'
import { isRunning, type RunInfo } from '../core/run-info'
import { RunNode } from '../core/run-node'
import type { RunEndReason, RunError } from '../core/run-state'
import type { RunTransition, Tree } from '../core/tree'
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

/** A path with so many times more nodes than pages have moved follows them; else it is walked again. */
const minShare = 4

/**
 * The lists of a view. They are made when they are read, and keep their identity until they differ. The path, and what
 * is pending and active on it, follow changes of the tree without a new walk.
 */
export class ViewLists<M extends object> {
  readonly #session: Session<M>
  readonly #window: ViewWindow<M>
  readonly #branches: Branches<M>
  #walk: BranchWalk<M>
  /** The walk whose active runs and pending inputs are known. */
  #noted: BranchWalk<M> | undefined
  #choices = 0
  /** The nodes that pages of history have moved since the path was walked; undefined when a new walk costs less. */
  #moved: Set<TreeNode<M>> | undefined = new Set()
  /** How often they have moved nodes. */
  #moves = 0
  #runs: readonly RunInfo[] = noItems
  #pending: readonly PendingPrompt[] = noItems
  #hasNewRuns = true
  #hasNewPending = true
  readonly #active = new Set<TreeNode<M>>()
  /** Pending inputs on the path. */
  readonly #entries = new Map<Subject<M>, PendingEntry>()
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

  /** Makes the lists that are still to be made. */
  update(): readonly unknown[] {
    return [this.messages, this.runs, this.pending]
  }

  get runs(): readonly RunInfo[] {
    if (this.#hasNewRuns) {
      const runs = this.#walk.path.flatMap(({ node }) => (isRun(node) ? this.#session.tree.info(node) : []))
      this.#runs = reuseIfEqual(this.#runs, runs)
      this.#hasNewRuns = false
    }
    return this.#runs
  }

  get pending(): readonly PendingPrompt[] {
    if (this.#hasNewPending) {
      const pending = [...this.#entries.values()].toSorted(byOrder).map(({ prompt }) => prompt)
      this.#pending = reuseIfEqual(this.#pending, pending)
      this.#hasNewPending = false
    }
    return this.#pending
  }

  get activeRuns(): number {
    return this.#active.size
  }

  /** Whether a run is active, or a pending input may still start or resume one. */
  get isRunning(): boolean {
    return this.#active.size > 0 || this.#underWay > 0
  }

  /** Whether choices were made that the lists do not show yet. */
  get isOutdated(): boolean {
    return this.#choices !== this.#branches.changes
  }

  has(node: TreeNode<M>): boolean {
    return this.#walk.has(node)
  }

  shownIn(group: readonly TreeNode<M>[]): TreeNode<M> | undefined {
    return this.#walk.shownIn(group)
  }

  /** The nodes on the branch; walked again when the tree's structure or the choices have changed. */
  path(): readonly PathSegment<M>[] {
    if (!this.#walk.isCurrent || this.isOutdated) this.#use(new BranchWalk(this.#session.tree, this.#branches))
    return this.#walk.path
  }

  #use(walk: BranchWalk<M>): void {
    this.#walk = walk
    this.#choices = this.#branches.changes
    this.#moved = new Set()
    this.#moves = 0
  }

  /** Notes how a page of history has changed the tree. */
  note({ structure, moved, touched, pending }: Changes<M>): void {
    this.#noteSubjects(touched, pending)
    if (!structure) return
    this.#moves++
    if (!moved || !this.#moved || this.#moved.size + moved.length > this.#walk.path.length / minShare)
      this.#moved = undefined
    else for (const node of moved) this.#moved.add(node)
  }

  #noteSubjects(touched: readonly RunNode<M>[], pending: Iterable<Subject<M>>): void {
    for (const run of touched) this.#noteActive(run)
    for (const subject of pending) this.#notePending(subject)
  }

  /** Follows what pages have changed, if that is little beside the path. */
  #follow(): boolean {
    const { path } = this.#walk
    if (this.isOutdated || !this.#moved) return false
    const moved = [...this.#moved]
    if (!this.#walk.follow(moved, this.#moves)) return false
    for (const node of this.#changed(moved)) this.#notePlace(node)
    this.#use(this.#walk)
    this.#window.list(path)
    return true
  }

  /** Walks the path without blocking the page; `path()` only adds changes that happened meanwhile. */
  async prepare(): Promise<void> {
    const { changes } = this.#branches
    if ((this.#walk.isCurrent && !this.isOutdated) || this.#follow()) return
    const walk = new BranchWalk(this.#session.tree, this.#branches, true)
    const isUseful = (): boolean => walk.isCurrent && this.#branches.changes === changes
    await inSlices(() => isUseful() && walk.advance(stepSize))
    if (isUseful()) this.#use(walk)
  }

  rebuild(): void {
    const path = this.path()
    this.#window.list(path)
    this.#hasNewRuns = this.#hasNewPending = true
    if (this.#noted === this.#walk) return
    this.#noted = this.#walk
    this.#active.clear()
    for (const { node } of path) this.#noteActive(node)
    this.#entries.clear()
    this.#underWay = 0
    for (const [subject] of this.#session.pending.entries()) this.#notePending(subject)
  }

  /** Applies changes of the session. Returns which lists can be different. */
  apply({ structure, moved, touched, pending }: Changes<M>): { messages: boolean; runs: boolean } {
    const hasFollowed = structure && !this.isOutdated && this.#walk.follow(moved)
    const isRebuilt = !hasFollowed && (structure || this.isOutdated)
    if (isRebuilt) this.rebuild()
    const nodes = hasFollowed ? this.#changed(moved!) : noItems
    if (nodes.length > 0) this.#window.list(this.#walk.path)
    for (const node of nodes) this.#notePlace(node)
    this.#noteSubjects(touched, pending)
    if (isRebuilt) return { messages: true, runs: true }
    const hasRuns = touched.some((run) => this.has(run)) || nodes.some(isRun)
    this.#hasNewRuns ||= hasRuns
    return { messages: nodes.length > 0, runs: hasRuns || this.#hasNewPending }
  }

  /** The nodes on the path that have moved, and those that have joined or left it. */
  #changed(moved: readonly TreeNode<M>[]): readonly TreeNode<M>[] {
    const { joined, left } = this.#walk
    return [...moved.filter((node) => this.has(node)), ...joined, ...left]
  }

  /** Brings what is pending and active in step with a node that may have joined or left the path. */
  #notePlace(node: TreeNode<M>): void {
    this.#noteActive(node)
    this.#notePending(node)
    if (!this.#session.pending.hasRequests) return
    for (const id of node.mentioned) {
      for (const { prompt } of this.#session.pending.requestsAt(id)) this.#notePending(prompt.inputId)
    }
  }

  #noteActive(node: TreeNode<M>): void {
    if (isRun(node) && !node.hasEnded && this.has(node) && isRunning(this.#session.tree.info(node)))
      this.#active.add(node)
    else this.#active.delete(node)
  }

  #notePending(subject: Subject<M>): void {
    const former = this.#entries.get(subject)
    const entry = this.#session.pending.get(subject)
    const next = entry && this.#shows(subject, entry) ? entry : undefined
    if (former === next) return
    this.#underWay += Number(next?.isUnderWay ?? false) - Number(former?.isUnderWay ?? false)
    this.#hasNewPending = true
    if (next) this.#entries.set(subject, next)
    else this.#entries.delete(subject)
  }

  #shows(subject: Subject<M>, { parent = '' }: PendingEntry): boolean {
    const node = typeof subject === 'string' ? this.#session.tree.nodeOf(parent) : subject
    return node !== undefined && this.has(node)
  }
}

const isRun = <M extends object>(node: TreeNode<M>): node is RunNode<M> =>
  node instanceof RunNode && !node.isPlaceholder

const byOrder = (a: PendingEntry, b: PendingEntry): number => compare(a.order, b.order)
