import type { ChannelMessage } from '../core/wire'

/** Somebody asks for a run to stop. */
export interface CancelRequest {
  readonly runId: string
  /** Who asks, verified by Ably; undefined for clients without an identity. */
  readonly clientId: string | undefined
  /** Whose prompt the run answers, verified by Ably; undefined for clients without an identity. */
  readonly ownerClientId: string | undefined
  /** The request as it came over the channel. */
  readonly message: ChannelMessage
}

/** Decides whether a run stops. Answering `false` ignores the request; so does throwing, which is also reported. */
export type CancelHook = (request: CancelRequest) => boolean | void | Promise<boolean | void>
