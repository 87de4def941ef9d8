/** How the page is connected to its conversation, in the words it shows. */
export type Link = 'connecting' | 'connected' | 'repairing' | 'reconnecting' | 'gap' | 'failed'

/** Joins what the session and the connection say. */
export function linkOf(status: string, connection: string): Link {
  if (status === 'failed' || status === 'closed' || connection === 'failed' || connection === 'closed') return 'failed'
  if (status === 'idle' || status === 'connecting') return isDown(connection) ? 'reconnecting' : 'connecting'
  if (status === 'reconnecting' || connection !== 'connected') return 'reconnecting'
  if (status === 'repairing' || status === 'gap') return status
  return 'connected'
}

const isDown = (connection: string): boolean => connection === 'disconnected' || connection === 'suspended'
