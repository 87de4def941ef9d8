import { ErrorCode, SessionError } from '../core/errors'
import type { Row } from '../core/log'
import type { History } from './history'
import type { Triggers } from './triggers'

/** Where to look for an input, and for how long. */
export interface Search {
  triggers: Triggers
  history: History
  signal: AbortSignal
  /** In milliseconds. */
  timeout?: number | undefined
  /** How many messages to look through. A wake-up speaks of something recent, and anybody may send one. */
  maxMessages?: number
}

/**
 * The row of an input: known already, in history, or heard live in time.
 * @throws {@link SessionError} 104010 when it does not turn up, 104011 when history cannot be read, 40033 when aborted
 */
export function locate(
  eventId: string,
  { triggers, history, signal, timeout = 10_000, maxMessages = 5000 }: Search,
): Promise<Row> {
  const known = triggers.find(eventId)
  if (known) return Promise.resolve(known)
  return new Promise<Row>((resolve, reject) => {
    let over = false
    const settle = (): void => {
      over = true
      stopWaiting()
      clearTimeout(timer)
      signal.removeEventListener('abort', abort)
    }
    const fail = (error: unknown): void => {
      settle()
      reject(error)
    }
    const abort = (): void =>
      fail(
        new SessionError('unable to find the prompt; the wait was aborted', ErrorCode.Cancelled, {
          cause: signal.reason,
        }),
      )
    const stopWaiting = triggers.wait(eventId, (row) => {
      settle()
      resolve(row)
    })
    const timer = setTimeout(() => fail(notFound(eventId, timeout)), timeout)
    signal.addEventListener('abort', abort)
    if (signal.aborted) abort()
    history.readUntil(() => over, maxMessages).catch(fail)
  })
}

const notFound = (eventId: string, timeout: number): SessionError =>
  new SessionError(
    `unable to find the prompt; no input with event id "${eventId}" is on the channel, and none arrived within ${timeout / 1000} s`,
    ErrorCode.NotFound,
  )
