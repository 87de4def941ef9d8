import type { InboundMessage } from 'ably'

/** An Ably message as a test can replay it. */
export type WireMessage = Pick<
  InboundMessage,
  'id' | 'name' | 'action' | 'serial' | 'version' | 'clientId' | 'timestamp' | 'data' | 'extras'
>

/** A row of the event log: a message, with the appends that follow it directly. */
export interface WireEvent {
  readonly id: number
  readonly message: WireMessage
  /** How many appends are in the row; their data is joined. */
  readonly appends: number
  readonly runId: string | undefined
}

const longest = 500

/** The newest messages of a channel, in the order of their arrival. */
export class WireLog {
  readonly #events: WireEvent[] = []
  #count = 0
  readonly #runOfInput = new Map<string, string>()

  /** @returns the newest events, the newest one last */
  get events(): readonly WireEvent[] {
    return [...this.#events]
  }

  /** How many events are no longer in the log. */
  get dropped(): number {
    return this.#count - this.#events.length
  }

  add({ id, name, action, serial, version, clientId, timestamp, data, extras }: InboundMessage): void {
    const message = { id, name, action, serial, version, clientId, timestamp, data, extras }
    if (this.#join(message)) return
    this.#events.push({
      id: this.#count++,
      message,
      appends: isAppend(message) ? 1 : 0,
      runId: this.#runOf(message),
    })
    if (this.#events.length > longest) this.#events.shift()
  }

  clear(): void {
    this.#events.length = 0
    this.#count = 0
    this.#runOfInput.clear()
  }

  /** Joins an append with an earlier one of the same message, if only appends are between them. */
  #join(message: WireMessage): boolean {
    if (!isAppend(message)) return false
    for (let index = this.#events.length - 1; index >= 0; index--) {
      const event = this.#events[index]!
      if (event.appends === 0) return false
      if (event.message.serial !== message.serial) continue
      const joined = { ...message, data: `${String(event.message.data ?? '')}${String(message.data ?? '')}` }
      this.#events[index] = { ...event, message: joined, appends: event.appends + 1 }
      return true
    }
    return false
  }

  #runOf(message: WireMessage): string | undefined {
    const headers = headersOf(message)
    const [runId, input] = [headers['run-id'], headers['input-codec-message-id']]
    if (runId && input) this.#runOfInput.set(input, runId)
    return runId
  }

  /** The run of an event. The run of a prompt is known once it has started. */
  runOf({ runId, message }: WireEvent): string | undefined {
    const headers = headersOf(message)
    return runId ?? this.#runOfInput.get(headers['codec-message-id'] ?? headers['input-codec-message-id'] ?? '')
  }
}

const isAppend = ({ action }: WireMessage): boolean => action === 'message.append'

export function headersOf({ extras }: WireMessage): Readonly<Record<string, string>> {
  return (extras as { ai?: { transport?: Record<string, string> } } | undefined)?.ai?.transport ?? {}
}

/** The title of an event: "run start", "output, 12 appends". */
export function titleOfEvent({ message, appends }: WireEvent): string {
  const name = (message.name ?? 'message').replace(/^(x-)?ai-/, '').replaceAll('-', ' ')
  if (appends > 0) return `${name}, ${appends} ${appends === 1 ? 'append' : 'appends'}`
  const change = message.action?.replace('message.', '')
  return change && change !== 'create' ? `${name}, ${change}` : name
}

/** The gist of an event in one line. */
export function gistOf({ message }: WireEvent): string {
  const { data } = message
  const { 'run-reason': reason, status } = headersOf(message)
  const text = typeof data === 'string' ? data : data === undefined || data === null ? '' : JSON.stringify(data)
  return [reason ?? status, text.slice(0, 120).replace(/\s+/g, ' ').trim()].filter(Boolean).join(' · ')
}

/** The messages of events as JSON, for a test. */
export const fixtureOf = (events: readonly WireEvent[]): string =>
  JSON.stringify(
    events.map(({ message }) => message),
    undefined,
    2,
  )
