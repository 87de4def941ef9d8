/** A failure that lasts until it is ended. */
export type LastingFault = 'network' | 'continuity' | 'publish' | 'down' | 'forbidden' | 'busy' | 'stubborn'

/** A failure that the server can simulate. */
export type FaultKind = LastingFault | 'online' | 'kill' | 'restart'

/** The client that a failure affects, and its duration; 0 seconds end it. */
export interface FaultOrder {
  readonly clientId: string
  readonly seconds: number
}
