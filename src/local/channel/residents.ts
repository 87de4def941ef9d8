import type { App, Resident } from '../app'
import { fullCapability } from '../auth/capability'
import { PresenceAction } from '../wire/protocol'
import { announce } from './announce'

/**
 * Lets residents enter a channel, on one connection that no client holds.
 * @throws ProtocolError 91003 (too many), 40012 (no name), 40013 (data)
 */
export function enterResidents(app: App, channel: string, residents: readonly Resident[]) {
  const connectionId = app.ids(10)
  const grant = { keyName: app.keys.first.name, clientId: '*', capability: fullCapability }
  const announcer = { identity: { grant }, connectionId, window: 0, idBase: `${connectionId}:0` }
  const entering = residents.map((resident) => ({ ...resident, action: PresenceAction.Enter }))
  announce(app, announcer, app.channels.open(channel), entering)
}
