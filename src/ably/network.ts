import type { Channel } from './session-channel'

/** Whether the network seems to be up: the browser does not deny it, and the session's connection is up. */
// NOTE: `navigator.onLine` is missing in Node, and true means little; false is certain
export const isNetworkUp = ({ isConnected }: Pick<Channel, 'isConnected'>): boolean =>
  isConnected && (globalThis.navigator as Navigator | undefined)?.onLine !== false

/** Calls the listener each time the network comes back; returns a function that removes it. */
export function onNetworkBack(
  channel: Pick<Channel, 'isConnected' | 'onConnection'>,
  listener: () => void,
): () => void {
  let isUp = isNetworkUp(channel)
  const check = (): void => {
    const wasUp = isUp
    isUp = isNetworkUp(channel)
    if (isUp && !wasUp) listener()
  }
  const stop = channel.onConnection(check)
  // NOTE: pages and workers have these events, Node does not
  for (const event of ['online', 'offline']) globalThis.addEventListener?.(event, check)
  return () => {
    stop()
    for (const event of ['online', 'offline']) globalThis.removeEventListener?.(event, check)
  }
}
