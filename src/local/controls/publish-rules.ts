import { type ErrorInfo, ProtocolError } from '../wire/error'
import type { Data } from '../channel/payload'

/** Undoes a test control. Calling it again does nothing. */
export type Restore = () => void

/** A message before it is published. */
export interface PublishInfo {
  channel: string
  action: 'create' | 'update' | 'delete' | 'append'
  name?: string
  data?: Data
  extras?: unknown
  /** Client id of the publisher. */
  clientId?: string
  /** Absent over REST. */
  connectionId?: string
}

/** Selects messages by these properties or with a function. */
export type PublishMatch =
  | Partial<Pick<PublishInfo, 'channel' | 'action' | 'name' | 'clientId' | 'connectionId'>>
  | ((message: PublishInfo) => boolean)

/** Options of a control. */
export interface RuleOptions {
  /** How many publishes it affects. @default Infinity (until restored) */
  times?: number
}

/** The effect of all rules on one publish. */
export interface Verdict {
  /** Publishes only when this resolves. */
  until?: Promise<void>
  /** Refuses the publish with this error. */
  refusal?: ProtocolError
  /** Publishes, but cuts the connection instead of the ACK. */
  loseAck?: boolean
}

interface Rule {
  match: PublishMatch
  left: number
  judge: () => Verdict
}

/** The rules that test controls have set for publishes. */
export class PublishRules {
  readonly #rules = new Set<Rule>()

  /** Whether there are no rules. */
  get isEmpty() {
    return this.#rules.size === 0
  }

  /** Holds matching publishes back for `ms`, or until restored. */
  delay(match: PublishMatch, { ms = Infinity, times }: RuleOptions & { ms?: number }): Restore {
    let release = () => {}
    const released = new Promise<void>((resolve) => (release = resolve))
    const until = () => (ms === Infinity ? released : Promise.race([released, sleep(ms)]))
    const remove = this.#add(match, times, () => ({ until: until() }))
    return () => {
      remove()
      release()
    }
  }

  /** Refuses matching publishes. */
  refuse(match: PublishMatch, { error, times }: RuleOptions & { error?: Partial<ErrorInfo> }): Restore {
    const { code = 50_003, statusCode = 500, message = 'publish refused by test control' } = error ?? {}
    return this.#add(match, times, () => ({ refusal: new ProtocolError(code, statusCode, message) }))
  }

  /** Carries out matching publishes, but cuts the connection instead of the ACK. */
  loseAck(match: PublishMatch, { times = 1 }: RuleOptions): Restore {
    return this.#add(match, times, () => ({ loseAck: true }))
  }

  /** The effect of all rules. Each call uses up one of their times. */
  judge(messages: readonly PublishInfo[]): Verdict {
    const verdict: Verdict = {}
    for (const rule of this.#rules) {
      if (!messages.some((message) => matches(rule.match, message))) continue
      Object.assign(verdict, rule.judge())
      if (--rule.left <= 0) this.#rules.delete(rule)
    }
    return verdict
  }

  #add(match: PublishMatch, times = Infinity, judge: () => Verdict): Restore {
    const rule: Rule = { match, left: times, judge }
    this.#rules.add(rule)
    return () => void this.#rules.delete(rule)
  }
}

function matches(match: PublishMatch, message: PublishInfo): boolean {
  if (typeof match === 'function') return match(message)
  const { channel, action, name, clientId, connectionId } = match
  return (
    (channel === undefined || channel === message.channel) &&
    (action === undefined || action === message.action) &&
    (name === undefined || name === message.name) &&
    (clientId === undefined || clientId === message.clientId) &&
    (connectionId === undefined || connectionId === message.connectionId)
  )
}

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))
