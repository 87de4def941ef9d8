import { Connection, type ConnectionOptions } from './connection'
import { ConnectionKeys } from './continuity'
import { revoked } from '../auth/revocation'
import { ProtocolError, toErrorInfo, type ErrorInfo } from '../wire/error'
import type { Service } from '../service'
import { Action } from '../wire/protocol'

/** Lost connections that are remembered. */
const MAX_LOST = 10_000

/** Ids of closed connections that are remembered, so that their keys no longer open anything. */
const MAX_CLOSED = 10_000

/** How much longer than promised a lost connection is kept. */
const SLACK = 1.1

/** The connections that are open, and the lost ones that may come back. */
export class Connections {
  readonly keys: ConnectionKeys
  readonly #service: Service
  readonly #known = new Map<string, Connection>()
  readonly #lost = new Map<Connection, NodeJS.Timeout>()
  readonly #closed = new Set<string>()
  readonly #rechecks = new Set<NodeJS.Timeout>()

  constructor(service: Service) {
    this.#service = service
    this.keys = new ConnectionKeys(service.identity.secret)
  }

  /** Those with a client at the other end. */
  get open(): Connection[] {
    return [...this.#known.values()].filter((connection) => connection.isOpen)
  }

  /**
   * The connection that a key stands for, or a new one, and why the key did not work if it did not.
   * @throws ProtocolError 40102 if it belongs to someone else
   */
  find(key: string | undefined, options: ConnectionOptions): { connection: Connection; error?: ErrorInfo } {
    if (key === undefined) return { connection: this.#create(this.#service.ids(10), options) }
    const connection = this.#resume(key, options)
    if (connection) return { connection }
    const error = toErrorInfo(new ProtocolError(80_018, 400, 'invalid connection key'))
    return { connection: this.#create(this.#service.ids(10), options), error }
  }

  /** The connection that a key was given to, while it is remembered. */
  holding(key: string): Connection | undefined {
    return this.#known.get(this.keys.read(key)?.id ?? '')
  }

  /** Keeps a connection without a transport for as long as it may be resumed. */
  linger(connection: Connection) {
    if (this.#known.get(connection.connectionId) !== connection || this.#lost.has(connection)) return
    const timer = setTimeout(() => this.#drop(connection), this.#service.limits.connectionStateTtl * SLACK)
    this.#lost.set(connection, timer.unref())
    const [oldest] = this.#lost.keys()
    if (oldest && this.#lost.size > MAX_LOST) this.#drop(oldest)
  }

  /** Forgets a connection that was closed; its key is worth nothing from now on. */
  forget(connection: Connection) {
    this.#drop(connection)
    this.#closed.add(connection.connectionId)
    const [oldest] = this.#closed
    if (oldest && this.#closed.size > MAX_CLOSED) this.#closed.delete(oldest)
  }

  /** Sends away whose token is revoked; with a margin, only after asking them for another. */
  recheckTokens(at: number, margin: number) {
    const { revocations } = this.#service.auth
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

  /** Sends everyone away and forgets them. */
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
    if (!proven || this.#closed.has(proven.id) || !this.#service.gate.mayResume()) return undefined
    const known = this.#known.get(proven.id)
    if (known && known.identity.clientId !== options.identity.clientId) {
      throw new ProtocolError(40_102, 401, 'unable to resume; the connection belongs to another clientId')
    }
    // NOTE: two clients that hold one id would otherwise evict each other for ever
    if (known?.isOpen && proven.generation < known.generation) return undefined
    const connection = known ?? this.#bringBack(proven.id, options)
    connection.generation = Math.max(connection.generation, proven.generation)
    this.#stopTimer(connection)
    return connection
  }

  #bringBack(id: string, options: ConnectionOptions): Connection {
    const connection = this.#create(id, options)
    if (this.#service.store) connection.recall(this.#service.store.answersOf(id))
    return connection
  }

  #create(id: string, options: ConnectionOptions): Connection {
    const connection = new Connection(id, this.#service, options)
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
