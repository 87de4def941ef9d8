/** The state of the connection, as the page shows it. */
export type Link = 'connecting' | 'connected' | 'repairing' | 'reconnecting' | 'gap' | 'failed'

/** Combines the status of the session and of the connection. */
export function linkOf(status: string, connection: string): Link {
  if (status === 'failed' || status === 'closed' || connection === 'failed' || connection === 'closed') return 'failed'
  if (status === 'idle' || status === 'connecting') return isDown(connection) ? 'reconnecting' : 'connecting'
  if (status === 'reconnecting' || connection !== 'connected') return 'reconnecting'
  if (status === 'repairing' || status === 'gap') return status
  return 'connected'
}

const isDown = (connection: string): boolean => connection === 'disconnected' || connection === 'suspended'
