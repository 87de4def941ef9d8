import { type ErrorInfo, ProtocolError } from '../wire/error'
import type { Data } from '../channel/payload'

/** Undoes what a test control did. Calling it again does nothing. */
export type Restore = () => void

/** One message on its way in, before it is published. */
export interface PublishInfo {
  channel: string
  action: 'create' | 'update' | 'delete' | 'append'
  name?: string
  data?: Data
  extras?: unknown
  /** Who publishes. */
  clientId?: string
  /** Absent over REST. */
  connectionId?: string
}

/** Which messages a control is about: those with these properties, or those that a function picks. */
export type PublishMatch =
  | Partial<Pick<PublishInfo, 'channel' | 'action' | 'name' | 'clientId' | 'connectionId'>>
  | ((message: PublishInfo) => boolean)

/** How often a control acts. */
export interface RuleOptions {
  /** How many publishes it acts on, before it is spent. @default Infinity (until restored) */
  times?: number
}

/** What the rules in force mean for one publish. */
export interface Verdict {
  /** Publish only when this resolves. */
  until?: Promise<void>
  /** Do not publish. */
  refusal?: ProtocolError
  /** Publish, but cut the connection instead of saying so. */
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

  /** Whether there is nothing to judge by. */
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

  /** Publishes what matches, but cuts the connection in place of the ACK. */
  loseAck(match: PublishMatch, { times = 1 }: RuleOptions): Restore {
    return this.#add(match, times, () => ({ loseAck: true }))
  }

  /** What the rules in force say; asking counts as one of their times. */
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
