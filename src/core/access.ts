import { isPlainObject, type PlainObject } from './collections'
import { warn } from './diagnostics'
import type { Row } from './rows'
import type { TreeNode } from './node'
import { isSteer } from './run-state'
import { Header } from './wire'

/** An action of a client on a prompt or a run. */
export interface Act {
  /**
   * An `answer` goes into a suspended run; a `fork` starts a run that replaces the suspended one. The agent refuses a
   * `regenerate`, because only the agent would start the run.
   */
  readonly kind: 'cancel' | 'steer' | 'answer' | 'fork' | 'edit' | 'regenerate'
  /** The acting client, verified by Ably; undefined for clients without an identity. */
  readonly clientId: string | undefined
  /** The owner of the prompt or of the run, verified by Ably; undefined while the owner is unknown. */
  readonly ownerClientId: string | undefined
}

/**
 * Allows or refuses an action. It is called again as more rows arrive, so it must be fast and pure. Throwing refuses.
 */
export type Policy = (act: Act) => boolean

/**
 * A policy that reserves each prompt and run to its owner. Ably verifies the identities, so clients without an identity
 * cannot change any prompt or run.
 *
 * @example
 * createAITransport({ client, agents: 'agent', policy: ownerOnly })
 * defineAgent({ client, respond, agents: 'agent', policy: ownerOnly })
 */
export const ownerOnly = (act: Pick<Act, 'clientId' | 'ownerClientId'>): boolean =>
  act.clientId !== undefined && act.clientId === act.ownerClientId

/** Ably client ids of agents, or a function that recognises them. */
export type Agents = string | readonly string[] | ((clientId: string | undefined) => boolean)

/** The clients whose messages count. */
export interface TrustOptions {
  /**
   * The agents: outputs, runs and steps from other clients are ignored. Set it, because a client with the right to
   * publish can publish any message.
   * @default all clients count as agents
   */
  agents?: Agents
  /** The rule for actions on prompts and runs; refused actions are ignored. @default every action is allowed */
  policy?: Policy
}

/** The same options as functions, for reading rows. */
export interface Trust {
  readonly isAgent?: (clientId: string | undefined) => boolean
  readonly policy?: Policy
}

export function trustOf({ agents, policy }: TrustOptions): Trust {
  if (agents === undefined || typeof agents === 'function') return { isAgent: agents, policy }
  const ids: readonly (string | undefined)[] = [agents].flat()
  return { isAgent: (clientId) => ids.includes(clientId), policy }
}

/** Filters the rows of clients: only allowed actions count. */
export class AccessPolicy {
  /** Whether agents or a policy are given, so that rows are filtered. */
  readonly isGuarded: boolean
  /** Whether a policy is given; without one every action is allowed. */
  readonly hasPolicy: boolean
  readonly #trust: Trust
  readonly #runs: ReadonlyMap<string, TreeNode<object>>

  constructor(trust: Trust, runs: ReadonlyMap<string, TreeNode<object>>) {
    this.#trust = trust
    this.#runs = runs
    this.hasPolicy = trust.policy !== undefined
    this.isGuarded = trust.isAgent !== undefined || this.hasPolicy
  }

  /** Whether the client may act on a prompt or run of this owner; a policy that throws refuses. */
  allows(kind: Act['kind'], clientId: string | undefined, ownerClientId: string | undefined): boolean {
    try {
      return this.ask({ kind, clientId, ownerClientId })
    } catch (cause) {
      warn('policyThrew', cause)
      return false
    }
  }

  /** The same, but throws the error of a policy that throws: for callers that report it. */
  readonly ask = (act: Act): boolean => this.#trust.policy?.(act) ?? true

  /** An input as it counts in a run of this owner; undefined if it does not count. */
  filterInput(row: Row, owner: string | undefined): Row | undefined {
    return this.canWrite(row, owner) ? this.#read(row) : undefined
  }

  /** Whether the sender of an input may write into a run of this owner, or replace it. */
  canWrite(row: Row, owner: string | undefined): boolean {
    if (row.transport[Header.runId] === undefined)
      return this.allows('fork', row.clientId, this.#replacedBy(row)?.owner)
    return this.allows(isSteer(row) ? 'steer' : 'answer', row.clientId, owner)
  }

  /** An input with the messages of the replaced run, in place of the copies that the client has sent. */
  #read(row: Row): Row {
    if (!this.#trust.isAgent || !hasSeeds(row.data)) return row
    const source = this.#replacedBy(row)
    return { ...row, data: withSeeds(row.data, source ? copiesOf(source) : []) }
  }

  /** The run that an answer replaces, if any; the run is older than the answer. */
  #replacedBy({ serial, transport }: Row): TreeNode<object> | undefined {
    if (transport[Header.runId] !== undefined) return undefined
    const run = this.#runs.get(transport[Header.supersedes] ?? '')
    return run && run.serial < serial ? run : undefined
  }
}

/** Whether an input brings copies of the messages of a run that waits, for another run to go on from. */
export const hasSeeds = (data: unknown): data is { forkSeed: PlainObject } =>
  isPlainObject(data) && isPlainObject(data.forkSeed)

/** The same input with these messages, in their order, in place of those that it brings; only its ids for them stay. */
function withSeeds(data: { forkSeed: PlainObject }, messages: readonly unknown[]): unknown {
  const given: readonly unknown[] = Array.isArray(data.forkSeed.messages) ? data.forkSeed.messages : []
  const seeds = messages.slice(0, given.length).map((message, index) => {
    const seed = given[index]
    return { codecMessageId: isPlainObject(seed) ? seed.codecMessageId : undefined, message }
  })
  return { ...data, forkSeed: { messages: seeds } }
}

const copiesOf = (run: TreeNode<object>): object[] => Array.from(run.ids, (id) => structuredClone(run.message(id)!))
