import type { ErrorInfo } from '../wire/error'
import type { Connection } from '../connection/connection'
import type { Disturbance } from '../connection/delivery'
import type { Caller } from './gate'
import type { PublishMatch, Restore, RuleOptions } from './publish-rules'
import type { Service } from '../service'

/** Selects connections by clientId, by connection id, or with a function. */
export type ConnectionMatch = string | ((connection: Caller) => boolean)

/** Simulated faults, for tests. None of them is part of the protocol. */
export interface TestControls {
  /**
   * Cuts connections as a tunnel would. With `refuseFor` their clients cannot reconnect for so many ms, or until
   * restored.
   * @returns a function that lets them in again
   * @throws Error if no connection matches and `refuseFor` is not given
   * @example
   * const restore = endpoint.dropConnection('bob', { refuseFor: Infinity })
   * // ... bob is offline ...
   * restore()
   */
  dropConnection(match: ConnectionMatch, options?: { refuseFor?: number }): Restore

  /**
   * Lets connections hang: they stay open, and all frames in both directions are held back for `ms`, or until
   * restored.
   * @returns a function that releases the frames
   * @throws Error if no connection matches
   * @example
   * const thaw = endpoint.freeze('bob')
   * // ... bob receives nothing, and his messages wait ...
   * thaw()
   */
  freeze(match: ConnectionMatch, options?: { ms?: number }): Restore

  /**
   * Delivers messages to connections twice, or each pair of different messages in reverse order, until restored. A
   * message without a second one waits until then.
   * @returns a function that ends it
   * @throws Error if no connection matches
   * @example
   * const restore = endpoint.disturb('bob', 'duplicate')
   */
  disturb(match: ConnectionMatch, how: Disturbance): Restore

  /**
   * Refuses the next `times` resumes or recoveries: the client gets a new connection and error 80018.
   * @example
   * endpoint.refuseResume()
   * endpoint.dropConnection('bob') // comes back as a new connection
   */
  refuseResume(options?: { times?: number }): Restore

  /**
   * Loses the continuity of a channel: attached clients are told at once, lost ones when they return.
   * @example
   * endpoint.breakContinuity('ai:trip')
   */
  breakContinuity(channel: string): void

  /**
   * Holds matching publishes back for `ms`, or until restored. Later ones of the same connection wait behind them.
   * @example
   * const release = endpoint.delayPublish({ channel: 'ai:trip', name: 'ai-input' })
   * release()
   */
  delayPublish(match: PublishMatch, options?: RuleOptions & { ms?: number }): Restore

  /**
   * Refuses matching publishes, until restored or `times` are used up.
   * @example
   * endpoint.refusePublish({ action: 'append' }, { times: 1, error: { code: 42911, statusCode: 429 } })
   */
  refusePublish(match: PublishMatch, options?: RuleOptions & { error?: Partial<ErrorInfo> }): Restore

  /**
   * Carries matching publishes out, but cuts the connection in place of the ACK, so that the client sends them again.
   * @example
   * endpoint.loseAck({ clientId: 'bob' }) // once, unless `times` says otherwise
   */
  loseAck(match: PublishMatch, options?: RuleOptions): Restore

  /**
   * Ends every token that a clientId has: its clients are disconnected with 40142 and need a new one.
   * @example
   * endpoint.expireToken('bob')
   */
  expireToken(clientId: string): void
}

/** The controls of a service. */
export function createControls(service: Service): TestControls {
  const { rules, gate, connections, channels, tokens, auth } = service
  const openOnes = (match: ConnectionMatch) =>
    connections.open.filter((connection) => toPredicate(match)(callerOf(connection)))
  return {
    dropConnection(match, { refuseFor = 0 } = {}) {
      const isMeant = toPredicate(match)
      const meant = openOnes(match)
      if (meant.length === 0 && refuseFor === 0) throw new Error('unable to drop connection; no open one matches')
      const ids = new Set(meant.map(({ connectionId }) => connectionId))
      const isBarred = (caller: Caller) => isMeant(caller) || ids.has(caller.connectionId ?? '')
      const restore = refuseFor > 0 ? gate.bar(isBarred, refuseFor) : () => {}
      for (const connection of meant) connection.cut()
      return restore
    },
    freeze(match, { ms = Infinity } = {}) {
      const meant = openOnes(match)
      if (meant.length === 0) throw new Error('unable to freeze connection; no open one matches')
      const thaws = meant.map((connection) => connection.freeze())
      const thaw = () => {
        for (const each of thaws.splice(0)) each()
      }
      if (Number.isFinite(ms)) setTimeout(thaw, ms).unref()
      return thaw
    },
    disturb(match, how) {
      const meant = openOnes(match)
      if (meant.length === 0) throw new Error('unable to disturb connection; no open one matches')
      const ends = meant.map((connection) => connection.disturb(how))
      return () => {
        for (const end of ends.splice(0)) end()
      }
    },
    refuseResume: ({ times = 1 } = {}) => gate.refuseResume(times),
    breakContinuity(name) {
      const channel = channels.open(name)
      channel.breakContinuity()
      for (const connection of connections.open) connection.breakContinuity(channel)
    },
    delayPublish: (match, options = {}) => rules.delay(match, options),
    refusePublish: (match, options = {}) => rules.refuse(match, options),
    loseAck: (match, options = {}) => rules.loseAck(match, options),
    expireToken(clientId) {
      tokens.revoke(clientId)
      for (const connection of connections.open) {
        const { token, clientId: granted } = connection.identity.grant
        if (token === undefined || (granted !== clientId && connection.identity.clientId !== clientId)) continue
        auth.revoke(token)
        connection.expire()
      }
    },
  }
}

const callerOf = ({ connectionId, identity }: Connection): Caller => ({ connectionId, clientId: identity.clientId })

const toPredicate = (match: ConnectionMatch) =>
  typeof match === 'function'
    ? match
    : ({ clientId, connectionId }: Caller) => clientId === match || connectionId === match
