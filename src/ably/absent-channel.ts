import type { InboundMessage, PaginatedResult, RestClient } from 'ably'
import { about, ErrorCode, toSessionError, unableTo, type SessionError } from '../core/errors'
import type { Channel, HistoryPage } from './session-channel'

// In milliseconds: how long a server may wait for history before it renders the page
const readLimit = 3000

/**
 * The channel of a session without a realtime client: never attached; its errors say why. On a server its history can be
 * read through a REST client, else it is empty.
 */
export class AbsentChannel implements Channel {
  readonly clientId = undefined
  readonly isAttached = false
  readonly isConnected = false
  readonly isSuspended = false
  readonly isShut = false
  readonly hearsItself = true
  readonly connection = this
  readonly runPresence = undefined
  readonly name: string
  readonly rest: (() => Pick<RestClient, 'channels'>) | undefined

  constructor(name: string, rest?: () => Pick<RestClient, 'channels'>) {
    this.name = name
    this.rest = rest
  }

  get presence(): never {
    throw absent('use presence')
  }

  reopen(): void {}

  onChange(): () => void {
    return () => undefined
  }

  onConnection(): () => void {
    return () => undefined
  }

  isOutage(): boolean {
    return false
  }

  attach(): Promise<void> {
    return Promise.reject(absent('connect the session'))
  }

  async history(limit: number): Promise<HistoryPage> {
    const { rest } = this
    return rest ? this.#page(() => rest().channels.get(this.name).history({ limit })) : { items: [], next: undefined }
  }

  async #page(read: () => Promise<PaginatedResult<InboundMessage> | null>): Promise<HistoryPage> {
    try {
      const result = await inTime(read())
      return { items: result?.items ?? [], next: result?.hasNext() ? () => this.#page(() => result.next()) : undefined }
    } catch (cause) {
      throw toSessionError(
        `read the history of channel "${this.name}"`,
        ErrorCode.HistoryFailed,
        about(cause, this.name),
      )
    }
  }

  publish(): Promise<never> {
    return Promise.reject(absent('publish'))
  }

  detach(): Promise<void> {
    return Promise.resolve()
  }
}

/** Rejects when work takes too long; leaves no timer behind. */
function inTime<T>(work: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout>
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`there was no answer within ${readLimit / 1000} s`)), readLimit)
  })
  return Promise.race([work, late]).finally(() => clearTimeout(timer))
}

/** The error of a session without a client. */
export const absent = (action: string): SessionError =>
  unableTo(
    action,
    'there is no session: it has no name yet, or the page is rendered on a server',
    ErrorCode.NotAttached,
  )
