import type { Row } from './log'
import type { TreeNode } from './node'
import { isSteer } from './steers'
import type { Act, Trust } from './trust'
import { hasSeeds, Header, withSeeds } from './wire'

/** Decides what counts of what clients do and say. */
export class AccessPolicy {
  /** Whether it is told who the agents are, or who may do what. */
  readonly isGuarded: boolean

  constructor(
    private readonly trust: Trust,
    private readonly runs: ReadonlyMap<string, TreeNode<object>>,
  ) {
    this.isGuarded = trust.isAgent !== undefined || trust.policy !== undefined
  }

  /** Whether whoever does it may, to something of this owner. */
  allows(kind: Act['kind'], clientId: string | undefined, ownerClientId: string | undefined): boolean {
    return this.trust.policy?.({ kind, clientId, ownerClientId }) ?? true
  }

  /** What counts of an input in a run of this owner. */
  filterInput(row: Row, owner: string | undefined): Row | undefined {
    return this.canWrite(row, owner) ? this.#read(row) : undefined
  }

  /** Whether whoever sent an input may, into a run of this owner or to take the place of another. */
  canWrite(row: Row, owner: string | undefined): boolean {
    if (row.transport[Header.runId] === undefined)
      return this.allows('fork', row.clientId, this.#replacedBy(row)?.owner)
    return this.allows(isSteer(row) ? 'steer' : 'answer', row.clientId, owner)
  }

  /** Copies of messages count only as the run has them whose place is taken. */
  #read(row: Row): Row {
    if (!this.trust.isAgent || !hasSeeds(row.data)) return row
    const source = this.#replacedBy(row)
    return { ...row, data: withSeeds(row.data, source ? copiesOf(source) : []) }
  }

  /** The run whose place an answer takes, if it does; it was there before. */
  #replacedBy({ serial, transport }: Row): TreeNode<object> | undefined {
    if (transport[Header.runId] !== undefined) return undefined
    const run = this.runs.get(transport[Header.supersedes] ?? '')
    return run && run.sort < serial ? run : undefined
  }
}

const copiesOf = (run: TreeNode<object>): object[] =>
  Array.from(run.messageIds(), (id) => structuredClone(run.message(id)!))
