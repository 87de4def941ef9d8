/** How a message is sent while something runs. */
export type Way = { kind: 'send' } | { kind: 'interrupt' } | { kind: 'steer'; runId: string }

/** A run that can be spoken to. */
export interface Steerable {
  readonly runId: string
  readonly number: number
  readonly topic: string
}
