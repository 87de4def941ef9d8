/** A failure that the server can simulate. */
export type FaultKind =
  'network' | 'online' | 'continuity' | 'publish' | 'down' | 'forbidden' | 'busy' | 'stubborn' | 'kill' | 'restart'

/** The client that a failure affects, and its duration. */
export interface FaultOrder {
  readonly clientId: string
  readonly seconds: number
}
