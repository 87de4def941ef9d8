import type { Exchange } from './exchange'
import { textOf } from './status'

/** A steer of this client that the channel does not have yet. */
export interface UnsentSteer {
  readonly id: string
  readonly runId: string
  readonly text: string
}

/** A steer that the agent has not received. */
export interface WaitingSteer {
  readonly id: string
  readonly text: string
  readonly isSent: boolean
}

/** The waiting steers of an exchange, in the order of their sending. */
export function waitingSteers({ run, replies }: Exchange, unsent: Iterable<UnsentSteer>): WaitingSteer[] {
  const isHere = ({ id, runId }: UnsentSteer) => runId === run?.runId && !replies.some((reply) => reply.id === id)
  return [
    ...replies
      .filter(({ steer }) => steer === 'waiting')
      .map((steer) => ({ id: steer.id, text: textOf(steer), isSent: true })),
    ...[...unsent].filter(isHere).map(({ id, text }) => ({ id, text, isSent: false })),
  ]
}
