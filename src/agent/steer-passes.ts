import type { Row } from '../core/rows'
import { RunFold } from '../core/run-fold'
import { isSteer } from '../core/run-state'
import { Header, isClients } from '../core/wire'
import { mayAct, orRefuse } from './hooks'
import type { LiveRun } from './live-run'

/** The messages sent into a run while it streams, read from its rows, and the pass (one pipe) that answers each. */
export class SteerPasses {
  readonly #run: LiveRun<object, unknown>
  /** Whether the run accepts a steer, by message id; undefined while a hook decides. */
  readonly #accepted = new Map<string, boolean | undefined>()
  /** Steers that belong to no pass yet. */
  readonly #unassigned = new Set<string>()
  /** Steers that the next pass answers. */
  #next: string[] = []
  #passCount = 0
  #wasRead = false

  constructor(run: LiveRun<object, unknown>) {
    this.#run = run
  }

  /**
   * Decides on every steer that is new. Without a hook or a policy it has decided when it returns.
   *
   * @param heard - an input of the session that was heard; without it all rows of the run are read
   */
  async review(heard?: Row): Promise<void> {
    const { hooks, channel, runId } = this.#run
    const isAsked = hooks.onSteer !== undefined || channel.tree.access.isGuarded
    channel.tree.settle()
    for (const row of heard ? [heard] : (channel.tree.runs.get(runId)?.contentRows ?? [])) {
      if (!this.#isNew(row)) continue
      this.#accepted.set(idOf(row), isAsked ? undefined : true)
      this.#unassigned.add(idOf(row))
      if (isAsked) this.#accepted.set(idOf(row), await this.#accepts(row))
    }
  }

  #isNew(row: Row): boolean {
    const id = idOf(row)
    if (!isSteer(row) || row.transport[Header.runId] !== this.#run.runId || id === idOf(this.#run.target.trigger))
      return false
    return !this.#accepted.has(id) && this.#isWaiting(id)
  }

  /** Whether no output has answered a steer, as far as the tree has settled. */
  #isWaiting(id: string): boolean {
    const { channel, runId } = this.#run
    return channel.tree.runs.get(runId)?.steerState(id) === 'waiting'
  }

  /** Whether the run ignores a steer, or has not decided yet. */
  readonly isIgnored = (messageId: string): boolean => this.#accepted.has(messageId) && !this.#accepted.get(messageId)

  /** Whether there is input to answer. New steers go to the next pass. */
  hasInput(): boolean {
    this.#wasRead = true
    return this.#assign() || this.#passCount === 0
  }

  /** Notes that the conversation was read: the first pass answers its steers. */
  noteRead(): void {
    if (this.#passCount > 0) return
    this.#wasRead = true
    this.#assign()
  }

  beginPass(): void {
    if (this.#passCount++ === 0 && !this.#wasRead) this.#assign()
  }

  /** Takes the message ids of the steers that the present pass answers, for its first output. */
  take(): readonly string[] {
    const ids = this.#next
    this.#next = []
    return ids
  }

  #assign(): boolean {
    this.#run.channel.tree.settle()
    const decided = [...this.#unassigned].filter((id) => this.#accepted.get(id) !== undefined)
    const fresh = decided.filter((id) => this.#accepted.get(id) && this.#isWaiting(id))
    for (const id of decided) this.#unassigned.delete(id)
    this.#next.push(...fresh)
    return fresh.length > 0
  }

  #accepts(row: Row): Promise<boolean> {
    const { channel, runId, hooks, target } = this.#run
    const { ownerClientId } = target
    const request = {
      runId,
      inputId: idOf(row),
      clientId: row.clientId,
      ownerClientId,
      message: channel.messageOf(row),
    }
    return orRefuse(mayAct(channel.tree.access, 'steer', request, hooks.onSteer), channel.report)
  }
}

const idOf = (row: Row): string => row.transport[Header.messageId] ?? ''

/** Message ids of the messages that clients sent into a run. */
export const steerIdsIn = (rows: readonly Row[]): ReadonlySet<string> => new Set(rows.filter(isSteer).map(idOf))

/**
 * Tells which steers of a run no output has answered. Those that woke the agent are answered by the output that
 * follows.
 *
 * @param rows - all rows of the run, by serial
 */
export function unansweredIn(rows: readonly Row[], { steers } = new RunFold(rows)): (messageId: string) => boolean {
  const answered = new Set(
    rows.filter(({ name }) => !isClients(name)).map(({ transport }) => transport[Header.inputId]),
  )
  return (id) => steers?.stateOf(id, false) === 'waiting' && !answered.has(id)
}
