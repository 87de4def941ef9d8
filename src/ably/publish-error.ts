type Refusal = { statusCode?: number; code?: number } | null | undefined

const statusOf = (error: unknown): number => (error as Refusal)?.statusCode ?? 0
const codeOf = (error: unknown): number => (error as Refusal)?.code ?? 0
const groupOf = (error: unknown, size: number): number => Math.floor(codeOf(error) / size)

/** Whether a channel refused a message because of the rate limit; then it certainly does not have the message. */
export const isTooFast = (error: unknown): boolean => groupOf(error, 100) === 429 || statusOf(error) === 429

/** Ably's code for a channel that gets too many messages a second from all its publishers together. */
const channelFull = 42_913

/** Whether the limit was that of the channel, and not that of the connection. */
export const isChannelFull = (error: unknown): boolean => codeOf(error) === channelFull

/** Ably's code for a message that is too large. */
export const tooLarge = 40_009

/** Whether it refused the message because of its size. */
export const isTooLarge = (error: unknown): boolean => codeOf(error) === tooLarge

/** The connection was lost on the way, or the channel is being attached again. */
export const isAway = (error: unknown): boolean => groupOf(error, 1000) === 80 || codeOf(error) === 90_001

/** Whether trying again may help: not where a capability is missing or the message itself is wrong. */
export function isPassing(error: unknown): boolean {
  const status = statusOf(error)
  return status === 0 || status >= 500 || status === 408 || isTooFast(error) || isAway(error)
}

/**
 * Whether trying again is useless: a capability is missing, or the target does not exist. Expired tokens are renewed.
 */
export const isForGood = (error: unknown): boolean =>
  codeOf(error) === 40_400 || (groupOf(error, 100) === 401 && groupOf(error, 10) !== 4014)
