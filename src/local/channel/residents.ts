import { fullCapability } from '../auth/capability'
import type { Service } from '../service'
import { PresenceAction } from '../wire/protocol'
import { announce } from './announce'

/** One who is present from the start, as long as the endpoint runs. */
export interface Resident {
  clientId: string
  /** Text, bytes or JSON. */
  data?: unknown
  /** Steps by which the data was encoded, such as `json`. */
  encoding?: string
}

/**
 * Lets residents enter a channel, all on one connection that nobody holds.
 * @throws ProtocolError 91003 (too many), 40012 (no name), 40013 (data)
 */
export function seat(service: Service, channel: string, residents: readonly Resident[]) {
  const connectionId = service.ids(10)
  const grant = { keyName: service.keys.first.name, clientId: '*', capability: fullCapability }
  const announcer = { identity: { grant }, connectionId, window: 0, idBase: `${connectionId}:0` }
  const entering = residents.map((resident) => ({ ...resident, action: PresenceAction.Enter }))
  announce(service, announcer, service.channels.open(channel), entering)
}
