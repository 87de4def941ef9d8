import { BranchWalk, type PathSegment } from '../core/branch'
import { MultiMap, noItems, reuseIfEqual } from '../core/collections'
import type { TreeNode } from '../core/node'
import { isRunning, type RunInfo } from '../core/run-info'
import { RunNode } from '../core/run-node'
import type { RunEndReason, RunError } from '../core/run-state'
import type { RunTransition, Settled } from '../core/tree'
import type { Branches } from './branches'
import type { Changes } from './context'
import { inSlices } from './scheduling'
import type { Session } from './session'
import type { PendingInput } from './submission'
import { ViewWindow } from './view-window'

/** A change of status of a run on this view's branch. */
export interface RunEvent {
  readonly type: 'start' | 'suspend' | 'resume' | 'end'
  readonly runId: string
  readonly run: RunInfo
  /** How it ended; only on `end`. */
  readonly reason?: RunEndReason
  readonly error?: RunError
}

export function runEvent<M extends object>({ run, from, to }: RunTransition<M>): RunEvent {
  const type = to === 'active' ? (from === undefined ? 'start' : 'resume') : to === 'suspended' ? 'suspend' : 'end'
  const info = run.info()
  const ended = type === 'end' && { reason: to as RunEndReason, ...(info.error && { error: info.error }) }
  return { type, runId: run.key, run: info, ...ended }
}

const stepSize = 100

/**
 * The lists of a view. They are made when they are read, and keep their identity until they differ. The path follows
 * changes of the tree without a new walk.
 */
export class ViewLists<M extends object> {
  readonly #session: Session<M>
  /** How far back they reach. */
  readonly window: ViewWindow<M>
  readonly #branches: Branches<M>
  readonly #walk: BranchWalk<M>
  #choices = 0
  #runs: readonly RunInfo[] = noItems
  #pending: readonly PendingInput[] = noItems
  #hasActiveRuns = false
  /** Whether a pending input may still start or resume a run. */
  #isUnderWay = false
  /** Requests for another reply, by the message that the reply will follow. */
  #requests = new MultiMap<PendingInput>()
  #hasNewRuns = true
  #hasNewPending = true

  constructor(session: Session<M>, branches: Branches<M>) {
    this.#session = session
    this.#branches = branches
    this.#walk = new BranchWalk(session.tree, branches)
    this.window = new ViewWindow(session.tree, this.#walk)
    this.rebuild()
  }

  /** Makes the lists that are still to be made. */
  update(): readonly unknown[] {
    return [this.window.messages, this.runs, this.pending]
  }

  get runs(): readonly RunInfo[] {
    if (this.#hasNewRuns) {
      const runs: RunInfo[] = []
      for (const { node } of this.#walk.path) if (isRun(node)) runs.push(node.info())
      this.#runs = reuseIfEqual(this.#runs, runs)
      this.#hasActiveRuns = runs.some(isRunning)
      this.#hasNewRuns = false
    }
    return this.#runs
  }

  get pending(): readonly PendingInput[] {
    if (this.#hasNewPending) {
      const entries = this.#session.pending.list((node) => this.has(node))
      const pending = entries.map(({ input }) => input)
      this.#pending = reuseIfEqual(this.#pending, pending)
      this.#isUnderWay = entries.some(({ isUnderWay }) => isUnderWay)
      this.#requests = new MultiMap()
      for (const { parent, input } of entries) if (parent !== undefined) this.#requests.add(parent, input)
      this.#hasNewPending = false
    }
    return this.#pending
  }

  /** Whether a run is active, or a pending input may still start or resume one. */
  get isRunning(): boolean {
    return (this.runs && this.#hasActiveRuns) || (this.pending && this.#isUnderWay)
  }

  /**
   * The message that a new prompt follows: the last one that the channel has or is about to have, except for messages
   * that a requested reply is about to hide. The prompt would be hidden with them.
   */
  get lastId(): string | undefined {
    const { leaving, kept } = this.#leaving()
    const last = this.window.messages.findLast(({ id, state }) => state !== 'failed' && !leaving.has(id))
    return last ? last.id : kept
  }

  /** The messages on the branch that the requested replies will hide, and the message before the first of them. */
  #leaving(): { leaving: ReadonlySet<string>; kept?: string } {
    const leaving = new Set<string>()
    let kept: string | undefined
    if (this.pending.length === 0 || this.#requests.size === 0) return { leaving }
    for (const { node, ids } of this.path()) {
      let followed = node.parent ?? ''
      for (const id of ids) {
        const isReplaced = isRun(node) && this.#branches.willReplace(id, this.#requests.of(followed))
        if (isReplaced) kept ??= followed
        if (isReplaced || leaving.has(followed)) leaving.add(id)
        followed = id
      }
    }
    return { leaving, kept }
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

  /** The nodes on the branch. */
  path(): readonly PathSegment<M>[] {
    this.#choose()
    return this.#walk.path
  }

  /** Lets choices decide that were made since the last time. */
  #choose(): void {
    if (this.isOutdated) this.#walk.note()
    this.#choices = this.#branches.changes
  }

  /** Notes how a page of history has changed the tree. */
  takePage({ structure, moved }: Settled<M>): void {
    this.#hasNewRuns = this.#hasNewPending = true
    if (structure) this.#walk.note(moved)
  }

  /** Walks the path without blocking the page. */
  async prepare(): Promise<void> {
    this.#choose()
    await inSlices(() => this.#walk.advance(stepSize))
  }

  rebuild(): void {
    this.#choose()
    this.#walk.advance()
    this.window.invalidate()
    this.#hasNewRuns = this.#hasNewPending = true
  }

  /** Applies changes of the session. Returns which lists can be different. */
  apply({ isLoaded, structure, moved, touched, pending }: Changes<M>): { messages: boolean; runs: boolean } {
    const hasFollowed = structure && this.#walk.follow(moved)
    const messages = hasFollowed || isLoaded || this.isOutdated
    if (messages) this.rebuild()
    this.#hasNewRuns ||= touched.some((run) => this.has(run))
    this.#hasNewPending ||= pending.size > 0
    return { messages, runs: this.#hasNewRuns || this.#hasNewPending }
  }
}

const isRun = <M extends object>(node: TreeNode<M>): node is RunNode<M> =>
  node instanceof RunNode && !node.isPlaceholder
