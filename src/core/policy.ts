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

/** Allows or refuses an action. It is called again as more rows arrive, so it must be fast and pure. Throwing refuses. */
export type Policy = (act: Act) => boolean

/**
 * A policy that reserves each prompt and run to its owner. Ably verifies the identities, so clients without an identity
 * cannot change any prompt or run.
 *
 * @example
 * createAITransport({ client, agents: 'agent', policy: ownerOnly })
 * defineAgent({ client, respond, agents: 'agent', policy: ownerOnly })
 */
export const ownerOnly = ({ clientId, ownerClientId }: Pick<Act, 'clientId' | 'ownerClientId'>): boolean =>
  clientId !== undefined && clientId === ownerClientId
