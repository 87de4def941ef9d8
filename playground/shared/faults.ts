/** What can be made to go wrong. */
export type FaultKind =
  'network' | 'continuity' | 'publish' | 'down' | 'forbidden' | 'busy' | 'stubborn' | 'kill' | 'restart'

/** For whom, and for how long. */
export interface FaultOrder {
  readonly clientId: string
  readonly seconds: number
}
