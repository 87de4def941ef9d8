import type { Row } from '../core/log'
import type { Tree } from '../core/tree'
import { isSteer, readSteers } from '../core/steers'
import { Header } from '../core/wire'
import { askOrReport, type Asked } from './ask'
import type { SteerHook } from './hooks'

/** What deciding on a steer needs to know. */
export interface SteerContext extends Asked {
  readonly onSteer?: SteerHook
}

/** What is said to a run while it is being written, read off the run's rows, and which pass answers it. */
export class SteerWatch {
  /** By message id, whether the run heeds it; undefined while that is being decided. */
  readonly #heeded = new Map<string, boolean | undefined>()
  /** Those that a pass has taken up or will. */
  readonly #taken = new Set<string>()
  /** Those that the next pass answers. */
  #next: string[] = []
  #passCount = 0
  #wasRead = false

  constructor(
    private readonly context: SteerContext,
    private readonly tree: Tree<object>,
  ) {}

  /** Decides on what was not decided yet; without a hook or a policy it has decided when it returns. */
  async consider(): Promise<void> {
    const isAsked = this.context.onSteer !== undefined || this.tree.access.isGuarded
    for (const row of this.#rows()) {
      if (this.#heeded.has(idOf(row))) continue
      this.#heeded.set(idOf(row), isAsked ? undefined : true)
      if (isAsked) this.#heeded.set(idOf(row), await this.#accepts(row))
    }
  }

  /** Whether the run does not heed it, or not yet. */
  readonly isIgnored = (messageId: string): boolean => this.#heeded.has(messageId) && !this.#heeded.get(messageId)

  /** Whether there is something to answer; what is new goes to the next pass. */
  hasInput(): boolean {
    this.#wasRead = true
    return this.#drain() || this.#passCount === 0
  }

  /** The conversation was read: before the first pass that is what this pass answers. */
  noteRead(): void {
    if (this.#passCount > 0) return
    this.#wasRead = true
    this.#drain()
  }

  /** A pass begins. */
  begin(): void {
    if (this.#passCount++ === 0 && !this.#wasRead) this.#drain()
  }

  /** Message ids that the pass, which now has its first output, answers. */
  take(): readonly string[] {
    const ids = this.#next
    this.#next = []
    return ids
  }

  #drain(): boolean {
    const isOpen = (id: string): boolean => this.#heeded.get(id) === true && !this.#taken.has(id)
    const fresh = new Set(this.#rows().map(idOf).filter(isOpen))
    for (const id of fresh) this.#taken.add(id)
    this.#next.push(...fresh)
    return fresh.size > 0
  }

  #rows(): readonly Row[] {
    const { runId, trigger } = this.context
    const rows = this.tree.runs.get(runId)?.allRows() ?? []
    const isLate = lateAmong(rows)
    return rows.filter((row) => isSteer(row) && isLate(idOf(row)) && idOf(row) !== idOf(trigger))
  }

  #accepts(row: Row): Promise<boolean> {
    const { runId, ownerClientId, onSteer, messageOf, report } = this.context
    const { clientId } = row
    const maySteer: SteerHook = (given) => this.tree.access.allows('steer', clientId, ownerClientId) && onSteer?.(given)
    const request = { runId, inputId: idOf(row), clientId, ownerClientId, message: messageOf(row) }
    return askOrReport(maySteer, request, 'a steer', report)
  }
}

const idOf = (row: Row): string => row.transport[Header.messageId] ?? ''

/** Ids of messages that were said to a run. */
export const saidAmong = (rows: readonly Row[]): ReadonlySet<string> => new Set(rows.filter(isSteer).map(idOf))

/** Which messages of a run were said to it without an answer: those that woke the agent have the one that followed. */
export function lateAmong(rows: readonly Row[]): (messageId: string) => boolean {
  const steers = readSteers(rows, rows, false)
  return (id) => steers.get(id) === 'waiting'
}
