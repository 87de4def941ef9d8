import type { App } from '../app'
import { Connection, type ConnectionOptions, type ConnectionOwner } from './connection'
import { ConnectionKeys } from './continuity'
import { revoked } from '../auth/revocation'
import { ProtocolError, toErrorInfo, type ErrorInfo } from '../wire/error'
import { Action } from '../wire/protocol'

/** How many lost connections are remembered. */
const MAX_LOST = 10_000

/** How many ids of closed connections are remembered, so that their keys no longer work. */
const MAX_CLOSED = 10_000

/** Factor by which a lost connection is kept longer than promised. */
const SLACK = 1.1

/** The open connections, and the lost ones that may be resumed. */
export class Connections implements ConnectionOwner {
  readonly keys: ConnectionKeys
  readonly #app: App
  readonly #known = new Map<string, Connection>()
  readonly #lost = new Map<Connection, NodeJS.Timeout>()
  readonly #closed = new Set<string>()
  readonly #rechecks = new Set<NodeJS.Timeout>()

  constructor(app: App) {
    this.#app = app
    this.keys = new ConnectionKeys(app.identity.secret)
  }

  /** The connections with a connected client. */
  get open(): Connection[] {
    return [...this.#known.values()].filter((connection) => connection.isOpen)
  }

  /**
   * The connection of a key, or a new one with the reason why the key did not work.
   * @throws ProtocolError 40102 if it belongs to another clientId
   */
  find(key: string | undefined, options: ConnectionOptions): { connection: Connection; error?: ErrorInfo } {
    if (key === undefined) return { connection: this.#create(this.#app.ids(10), options) }
    const connection = this.#resume(key, options)
    if (connection) return { connection }
    const error = toErrorInfo(new ProtocolError(80_018, 400, 'invalid connection key'))
    return { connection: this.#create(this.#app.ids(10), options), error }
  }

  /** The connection of a key, while it is remembered. */
  holding(key: string): Connection | undefined {
    return this.#known.get(this.keys.read(key)?.id ?? '')
  }

  keyOf({ connectionId, generation }: Connection): string {
    return this.keys.issue(connectionId, generation)
  }

  /** Keeps a connection without a transport for as long as it may be resumed. */
  linger(connection: Connection) {
    if (this.#known.get(connection.connectionId) !== connection || this.#lost.has(connection)) return
    const timer = setTimeout(() => this.#drop(connection), this.#app.limits.connectionStateTtl * SLACK)
    this.#lost.set(connection, timer.unref())
    const [oldest] = this.#lost.keys()
    if (oldest && this.#lost.size > MAX_LOST) this.#drop(oldest)
  }

  /** Forgets a connection that was closed. Its key no longer works. */
  forget(connection: Connection) {
    this.#drop(connection)
    this.#closed.add(connection.connectionId)
    const [oldest] = this.#closed
    if (oldest && this.#closed.size > MAX_CLOSED) this.#closed.delete(oldest)
  }

  /** Disconnects clients with revoked tokens; with a margin, asks them for a new token first. */
  recheckTokens(at: number, margin: number) {
    const { revocations } = this.#app.auth
    const isMeant = ({ identity }: Connection) => revocations.includes(identity.grant, at)
    if (margin === 0) {
      for (const connection of this.open.filter(isMeant)) connection.disconnect(toErrorInfo(revoked()))
      return
    }
    for (const connection of this.open.filter(isMeant)) connection.sendFrame({ action: Action.Auth })
    const timer = setTimeout(() => {
      this.#rechecks.delete(timer)
      this.recheckTokens(at, 0)
    }, margin).unref()
    this.#rechecks.add(timer)
  }

  /** Disconnects and forgets all clients. */
  close() {
    const error = toErrorInfo(new ProtocolError(80_003, 503, 'endpoint is closing'))
    for (const connection of this.#known.values()) {
      connection.sendFrame({ action: Action.Disconnected, error })
      connection.stop()
      this.#stopTimer(connection)
    }
    this.#known.clear()
    for (const timer of this.#rechecks) clearTimeout(timer)
  }

  #resume(key: string, options: ConnectionOptions): Connection | undefined {
    const proven = this.keys.read(key)
    if (!proven || this.#closed.has(proven.id) || !this.#app.gate.mayResume()) return undefined
    const known = this.#known.get(proven.id)
    if (known && known.identity.clientId !== options.identity.clientId) {
      throw new ProtocolError(40_102, 401, 'unable to resume; the connection belongs to another clientId')
    }
    // NOTE: two clients with the same id would otherwise evict each other for ever
    if (known?.isOpen && proven.generation < known.generation) return undefined
    const connection = known ?? this.#bringBack(proven.id, options)
    connection.generation = Math.max(connection.generation, proven.generation)
    this.#stopTimer(connection)
    return connection
  }

  #bringBack(id: string, options: ConnectionOptions): Connection {
    const connection = this.#create(id, options)
    if (this.#app.store) connection.recall(this.#app.store.answersOf(id))
    return connection
  }

  #create(id: string, options: ConnectionOptions): Connection {
    const connection = new Connection(id, this.#app, this, options)
    this.#known.set(id, connection)
    return connection
  }

  #drop(connection: Connection) {
    this.#stopTimer(connection)
    connection.vanish()
    if (this.#known.get(connection.connectionId) === connection) this.#known.delete(connection.connectionId)
  }

  #stopTimer(connection: Connection) {
    clearTimeout(this.#lost.get(connection))
    this.#lost.delete(connection)
  }
}
