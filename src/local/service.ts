import { App, type ServiceOptions } from './app'
import { REAUTH_MARGIN, type RevocationTarget, type Revoked } from './auth/revocation'
import { enterResidents } from './channel/residents'
import { Connections } from './connection/connections'

/** An app with its connections. It knows no server: sockets and requests are handed to it. */
export class Service extends App {
  readonly connections = new Connections(this)
  #isClosed = false

  constructor(options: ServiceOptions = {}) {
    super(options)
    for (const [channel, residents] of Object.entries(options.residents ?? {})) enterResidents(this, channel, residents)
  }

  /**
   * Revokes tokens of a key: at once, or after a margin in which clients are asked to get new ones.
   *
   * @param issuedBefore - Tokens issued later stay valid. @default now
   */
  revoke(keyName: string, target: RevocationTarget, issuedBefore = this.now(), hasMargin = false): Revoked {
    const margin = hasMargin ? REAUTH_MARGIN : 0
    const result = this.auth.revocations.add(keyName, target, issuedBefore, margin)
    this.connections.recheckTokens(result.appliesAt, margin)
    return result
  }

  /** Disconnects all clients and stops all timers. */
  close() {
    if (this.#isClosed) return
    this.#isClosed = true
    this.channels.flush()
    this.connections.close()
    this.channels.close()
    this.store?.close()
  }
}
