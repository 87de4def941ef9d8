/** A failure of one client that lasts until it is ended. */
export type ClientFault = 'network' | 'continuity' | 'publish' | 'rate' | 'duplicate' | 'reorder'

/** A failure of the agent that lasts until it is ended. */
export type AgentFault = 'down' | 'forbidden' | 'busy' | 'stubborn' | 'late'

export type LastingFault = ClientFault | AgentFault

/** A failure that the server can simulate, or its end. */
export type FaultKind = LastingFault | 'online' | 'kill' | 'restart' | 'deadline'

/** The client that a failure affects, and its duration; 0 seconds end it. */
export interface FaultOrder {
  readonly clientId: string
  readonly seconds: number
}

/** A failure that is active now. */
export interface ActiveFault {
  readonly kind: LastingFault | 'kill'
  /** The client that it affects; undefined if it affects all. */
  readonly clientId?: string
  /** The time until it ends by itself, in ms. */
  readonly endsIn?: number
}
