import type { RestClient } from 'ably'
import { ErrorCode, unableTo, type SessionError } from '../core/errors'
import { readPage, type HistoryPage } from './history-page'
import type { Channel } from './session-channel'

/**
 * The channel of a session without a realtime client: never attached; its errors say why. On a server its history can
 * be read through a REST client, else it is empty.
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
    return this.onChange()
  }

  isOutage(): boolean {
    return false
  }

  attach(): Promise<void> {
    return Promise.reject(absent('connect the session'))
  }

  async history(limit: number): Promise<HistoryPage> {
    const { rest, name } = this
    if (!rest) return { items: [], next: undefined }
    return readPage(name, 0, async () => rest().channels.get(name).history({ limit }))
  }

  publish(): Promise<never> {
    return Promise.reject(absent('publish'))
  }

  detach(): Promise<void> {
    return Promise.resolve()
  }
}

/** The error of a session without a client. */
export const absent = (action: string): SessionError =>
  unableTo(
    action,
    'there is no session: it has no name yet, or the page is rendered on a server',
    ErrorCode.NotAttached,
  )
