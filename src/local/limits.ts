/** Limits of the endpoint. The defaults are those of the service. */
export interface Limits {
  /** Largest message, in bytes: name, clientId, extras and data together. @default 65536 */
  maxMessageSize: number
  /** Largest frame or request body, in bytes; a larger frame closes the socket. @default 524288 */
  maxFrameSize: number
  /** Publishes a second from one connection; more are refused with 42911. @default Infinity (not enforced) */
  maxInboundRate: number
  /**
   * Messages a second to one channel, of all its publishers together; more are refused with 42913. The service's usual
   * limit is 50. @default Infinity (not enforced)
   */
  maxChannelRate: number
  /** How long a lost connection can be resumed, in ms. @default 120000 */
  connectionStateTtl: number
  /** The longest silence towards a client, in ms. @default 15000 */
  maxIdleInterval: number
  /** Messages that a channel remembers. @default 10000 */
  maxChannelMessages: number
  /** Data that all channels together remember, in bytes. @default 268435456 (256 MiB) */
  maxStoredBytes: number
  /** Channels remembered after their last subscriber left. @default 1000 */
  maxChannels: number
  /** Clients that may be connected at once; others are refused with 40111 and try again later. @default 1000 */
  maxConnections: number
  /** Channels that one connection may be attached to. @default 200 */
  maxAttachments: number
  /** Members that may be present on a channel at once. @default 250 */
  maxMembers: number
  /** Unsent bytes after which a slow receiver is cut off. @default 67108864 (64 MiB) */
  maxBufferedBytes: number
}

/** The limits used where none are given. */
export const defaultLimits: Readonly<Limits> = {
  maxMessageSize: 65_536,
  maxFrameSize: 524_288,
  maxInboundRate: Infinity,
  maxChannelRate: Infinity,
  connectionStateTtl: 120_000,
  maxIdleInterval: 15_000,
  maxChannelMessages: 10_000,
  maxStoredBytes: 256 * 1024 * 1024,
  maxChannels: 1_000,
  maxConnections: 1_000,
  maxAttachments: 200,
  maxMembers: 250,
  maxBufferedBytes: 64 * 1024 * 1024,
}
