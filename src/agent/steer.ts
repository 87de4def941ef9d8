import type { ChannelMessage } from '../core/wire'

/** Somebody says something into a run while it is being written. */
export interface SteerRequest {
  readonly runId: string
  /** Message id of what is said. */
  readonly inputId: string
  /** Who says it, verified by Ably; undefined for clients without an identity. */
  readonly clientId: string | undefined
  /** Whose prompt the run answers, verified by Ably; undefined for clients without an identity. */
  readonly ownerClientId: string | undefined
  /** Its first part as it came over the channel. */
  readonly message: ChannelMessage
}

/** Decides whether a run heeds it. Answering `false` ignores the message; so does throwing, which is also reported. */
export type SteerHook = (request: SteerRequest) => boolean | void | Promise<boolean | void>
