import { ErrorCode, SessionError } from '../core/errors'
import { checkSessionName } from './session-name'

const maxEventIdLength = 200

/** What wakes an agent: which input to answer, in which session. It travels as JSON. */
export class Invocation {
  private constructor(
    /** Id of the published input that is to be answered. */
    readonly inputEventId: string,
    /** The session's full name, namespace included. */
    readonly sessionName: string,
  ) {}

  /**
   * Reads the body that a client woke the agent with. Other fields are ignored.
   *
   * @throws {@link SessionError} 40003 when a field is missing or not what it should be
   * @example
   * const invocation = Invocation.fromJSON(await request.json())
   */
  static fromJSON(json: unknown): Invocation {
    const { inputEventId, sessionName } = (json ?? {}) as Record<string, unknown>
    if (typeof inputEventId !== 'string' || inputEventId === '' || inputEventId.length > maxEventIdLength) {
      throw new SessionError(
        `unable to read the invocation; "inputEventId" must be a string of 1 to ${maxEventIdLength} characters`,
        ErrorCode.BadRequest,
      )
    }
    checkSessionName(sessionName)
    return new Invocation(inputEventId, sessionName)
  }

  toJSON(): { inputEventId: string; sessionName: string } {
    return { inputEventId: this.inputEventId, sessionName: this.sessionName }
  }
}
