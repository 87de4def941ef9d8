/** A way to send a message. */
export type Way = { kind: 'send' } | { kind: 'interrupt' } | { kind: 'steer'; runId: string }

/** A run that accepts steers. */
export interface Steerable {
  readonly runId: string
  readonly lane: number
  readonly topic: string
}
