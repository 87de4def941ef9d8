import { ErrorCode, unableTo, type SessionError } from '../core/errors'
import type { Channel, HistoryPage } from './session-channel'

/** The channel of a session without a client: empty and never attached; its errors say why. */
export class AbsentChannel implements Channel {
  readonly clientId = undefined
  readonly isAttached = false
  readonly isConnected = false
  readonly isSuspended = false
  readonly isShut = false
  readonly hearsItself = true

  readonly runPresence = undefined
  readonly name: string

  constructor(name: string) {
    this.name = name
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

  history(): Promise<HistoryPage> {
    return Promise.resolve({ items: [], next: undefined })
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
