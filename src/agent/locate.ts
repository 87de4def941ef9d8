import { ErrorCode, SessionError } from '../core/errors'
import type { Row } from '../core/log'
import type { ChannelView } from './run-host'
import { untilFound } from './until-found'

/** Where to look for an input, and for how long. */
export interface Search extends Pick<ChannelView<never>, 'triggers' | 'history' | 'onHeard'> {
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
export async function locate(eventId: string, search: Search): Promise<Row> {
  const { triggers, history, signal, timeout = 10_000, maxMessages = 5000 } = search
  const look = (): Row | undefined => triggers.find(eventId)
  const read = (isOver: () => boolean): Promise<void> => history.readUntil(isOver, maxMessages)
  const found = await untilFound(search, { look, read, timeout, signal }).catch((cause: unknown) => {
    throw signal.aborted ? aborted(signal.reason) : cause
  })
  if (!found) throw notFound(eventId, timeout)
  return found
}

const aborted = (cause: unknown): SessionError =>
  new SessionError('unable to find the prompt; the wait was aborted', ErrorCode.Cancelled, { cause })

const notFound = (eventId: string, timeout: number): SessionError =>
  new SessionError(
    `unable to find the prompt; no input with event id "${eventId}" is on the channel, and none arrived within ${timeout / 1000} s`,
    ErrorCode.NotFound,
  )
