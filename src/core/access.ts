import type { Row } from './log'
import type { TreeNode } from './node'
import { isSteer } from './run-state'
import { hasSeeds, Header, withSeeds } from './wire'

/** Something that a client does to a prompt or a run. */
export interface Act {
  /**
   * An `answer` goes into a run that waits, a `fork` begins a run that takes the place of that one. A `regenerate` is
   * refused by the agent, where it would lead to a run.
   */
  readonly kind: 'cancel' | 'steer' | 'answer' | 'fork' | 'edit' | 'regenerate'
  /** Who does it, verified by Ably; undefined for clients without an identity. */
  readonly clientId: string | undefined
  /** Whose prompt it is, or whose the run answers, verified by Ably; undefined while that is not known. */
  readonly ownerClientId: string | undefined
}

/** Decides on what clients do to prompts and runs. It is asked again whenever more is known, so it must be quick and pure. */
export type Policy = (act: Act) => boolean

/**
 * A policy that leaves prompts and runs to the client whose they are. Identities are those that Ably has verified, so
 * clients without one can do nothing to what is there.
 *
 * @example
 * createAITransport({ client, agents: 'agent', policy: ownerOnly })
 * defineAgent({ client, respond, agents: 'agent', policy: ownerOnly })
 */
export const ownerOnly = ({ clientId, ownerClientId }: Pick<Act, 'clientId' | 'ownerClientId'>): boolean =>
  clientId !== undefined && clientId === ownerClientId

/** Ably client ids of agents, or what tells whether one is an agent's. */
export type Agents = string | readonly string[] | ((clientId: string | undefined) => boolean)

/** Whose messages count. */
export interface TrustOptions {
  /**
   * Who may publish answers: outputs, runs and steps of everybody else change nothing. Set it, because whoever may publish
   * on a channel may publish anything.
   * @default everybody
   */
  agents?: Agents
  /** Who may do what to prompts and runs; what it refuses changes nothing. @default everybody may do everything */
  policy?: Policy
}

/** The same in the form that reading rows needs. */
export interface Trust {
  readonly isAgent?: (clientId: string | undefined) => boolean
  readonly policy?: Policy
}

export function trustOf({ agents, policy }: TrustOptions): Trust {
  if (agents === undefined || typeof agents === 'function') return { isAgent: agents, policy }
  const ids: readonly (string | undefined)[] = [agents].flat()
  return { isAgent: (clientId) => ids.includes(clientId), policy }
}

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

const copiesOf = (run: TreeNode<object>): object[] => Array.from(run.ids, (id) => structuredClone(run.message(id)!))
