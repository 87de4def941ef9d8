import { faultOfName } from '../ably/channel-name'
import { badRequest } from './errors'

const maxEventIdLength = 200

/** A request to an agent: the input to answer, and its session. It travels as JSON. */
export class Invocation {
  private constructor(
    /** Event id of the published input to answer. */
    readonly inputEventId: string,
    /** The session's full name, namespace included. */
    readonly sessionName: string,
  ) {}

  /**
   * Reads the body of a client's request. Other fields are ignored.
   *
   * @throws {@link SessionError} 40003 when a field is missing or not valid
   * @example
   * const invocation = Invocation.fromJSON(await request.json())
   */
  static fromJSON(json: unknown): Invocation {
    const { inputEventId, sessionName } = (json ?? {}) as Record<string, unknown>
    if (typeof inputEventId !== 'string' || inputEventId === '' || inputEventId.length > maxEventIdLength) {
      throw badRequest('read the invocation', `"inputEventId" must be a string of 1 to ${maxEventIdLength} characters`)
    }
    checkSessionName(sessionName)
    return new Invocation(inputEventId, sessionName)
  }

  toJSON(): { inputEventId: string; sessionName: string } {
    return { inputEventId: this.inputEventId, sessionName: this.sessionName }
  }
}

/**
 * Checks the full name of a session's channel, which may come from an untrusted request.
 * @throws {@link SessionError} 40003 when it is not valid
 */
export function checkSessionName(name: unknown): asserts name is string {
  const fault = faultOf(name)
  if (fault) throw badRequest('use the session name', fault)
}

function faultOf(name: unknown): string | undefined {
  const fault = faultOfName(name)
  if (fault) return `the name ${fault}`
  const known = name as string
  return known.includes(':') ? undefined : `the name must carry its namespace, as in "ai:${known}"`
}
