import type { SessionChannel } from '../ably/session-channel'
import { ErrorCode, SessionError, toSessionError } from '../core/errors'
import type { OutgoingMessage } from '../core/wire'

/** A run's way onto the channel. Once shut nothing more gets through, so that a run can be left to another process. */
export class Outlet {
  #isShut = false

  constructor(private readonly channel: SessionChannel) {}

  get isShut(): boolean {
    return this.#isShut
  }

  shut(): void {
    this.#isShut = true
  }

  /** Publishes a message; resolves with its serial. */
  publish(message: OutgoingMessage): Promise<string> {
    return this.#isShut ? Promise.reject(left()) : this.channel.publishOne(message)
  }

  /** Publishes what must not get lost, trying again when it is refused: without its end a run looks active for ever. */
  async insist(message: OutgoingMessage): Promise<string> {
    for (const delay of retryDelays) {
      try {
        return await this.publish(message)
      } catch (error) {
        if (this.#isShut || !isPassing(error)) throw error
        await new Promise((resolve) => setTimeout(resolve, delay))
      }
    }
    return this.publish(message)
  }

  /**
   * Publishes what tells the others how a run or step stands, and does not give up at once.
   * @throws {@link SessionError} 104003 when the channel refuses it for good
   */
  async declare(what: string, message: OutgoingMessage): Promise<string> {
    try {
      return await this.insist(message)
    } catch (cause) {
      throw toSessionError(what, ErrorCode.LifecyclePublishFailed, cause)
    }
  }

  append(serial: string, data: string, extras: OutgoingMessage['extras']): Promise<void> {
    return this.#isShut ? Promise.reject(left()) : this.channel.append(serial, data, extras)
  }

  update(serial: string, data: string, extras: OutgoingMessage['extras']): Promise<void> {
    return this.#isShut ? Promise.reject(left()) : this.channel.update(serial, data, extras)
  }
}

/** Whether trying again may help: not where a capability is missing or the message itself is wrong. */
function isPassing(error: unknown): boolean {
  const status = (error as { statusCode?: unknown } | null | undefined)?.statusCode
  return typeof status !== 'number' || status === 429 || status >= 500
}

// In milliseconds; refusals for going too fast are over within a second
const retryDelays = [100, 1000]

const left = (): SessionError => new SessionError('unable to publish; the session has left the run', ErrorCode.Closed)
