import { faultOfName } from '../ably/channel-name'
import { warnOnce } from '../core/diagnostics'
import { badRequest, reasonOf, SessionError } from '../core/errors'
import { BusyError, isDevelopment } from './errors'
import { HttpError, readText } from './http'

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

/**
 * Reads the invocation from an untrusted request.
 * @throws {@link HttpError} when the request is not a valid one
 */
export async function readInvocation(request: Request): Promise<Invocation> {
  if (request.method !== 'POST') {
    throw new HttpError(405, `unable to accept ${request.method}; use POST`, undefined, { allow: 'POST' })
  }
  const type = request.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase()
  if (type !== 'application/json') {
    throw new HttpError(415, 'unable to read the request; its content-type must be application/json')
  }
  return parse(await readText(request), request.headers.get('content-encoding'))
}

function parse(text: string, coding: string | null): Invocation {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (cause) {
    const hint = coding === null ? '' : ` (it is compressed with ${coding}: send it without a content-encoding)`
    throw new HttpError(400, `unable to read the request; its body is not JSON: ${reasonOf(cause)}${hint}`)
  }
  try {
    return Invocation.fromJSON(json)
  } catch (cause) {
    throw new HttpError(400, reasonOf(cause), cause instanceof SessionError ? cause.code : undefined)
  }
}

/**
 * Decides whether a request may have an input of a session answered. The body of the request has been read. `false`
 * refuses it with status 403; so does throwing, which is also reported to `onError`.
 */
export type Authorize = (
  request: Request,
  invocation: { sessionName: string; inputEventId: string },
) => boolean | Promise<boolean>

/** Applies `authorize`. Without it, every request is allowed in development, with one warning. */
export function authorizer(
  authorize: Authorize | undefined,
  report: (error: unknown) => void,
): (request: Request, invocation: Invocation) => Promise<void> {
  const check = async (request: Request, invocation: Invocation): Promise<void> => {
    if (authorize) {
      const isAllowed = await holds(() => authorize(request, invocation.toJSON()), report)
      if (isAllowed) return
      const why = isDevelopment() ? ': `authorize` did not return true for this session' : ''
      throw new HttpError(403, `unable to answer; not allowed${why}`)
    }
    if (!isDevelopment()) {
      throw new HttpError(403, `unable to answer; the agent has no "authorize", which only NODE_ENV ${modes} allows`)
    }
    warnOnce(
      `defineAgent() has no "authorize": unless NODE_ENV is ${modes} it refuses every request. Add authorize(request, { sessionName }) that checks who may use the session.`,
      check,
    )
  }
  return check
}

/** Whether a check returns true; a check that throws does not hold. */
async function holds(check: () => boolean | Promise<boolean>, report: (error: unknown) => void): Promise<boolean> {
  try {
    // NOTE: an untyped check may return a Response, which is truthy
    const answer: unknown = await check()
    return answer === true
  } catch (error) {
    report(error)
    return false
  }
}

const modes = '"development" or "test"'

/** Limits how many runs are open in this process. */
export class Semaphore {
  readonly #limit: number
  #size = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  /** The number of places that are taken. */
  get taken(): number {
    return this.#size
  }

  /**
   * Takes a place.
   * @returns a function that frees the place; to be called once
   * @throws {@link BusyError} when no place is free
   */
  acquire(): () => void {
    if (this.#size >= this.#limit) throw new BusyError(`this agent answers ${this.#limit} prompts already`)
    this.#size++
    return () => void this.#size--
  }
}

/** A request whose input is looked up. */
interface Lookup {
  /** Aborts with a {@link BusyError} when too many other requests follow. */
  readonly signal: AbortSignal
  /** The input was found, or not. */
  end(): void
}

/**
 * Bounds the requests whose input is looked up. Anyone who may send requests can name inputs that do not exist, so
 * these take no place of a run; of too many, the oldest is refused.
 */
export class Lookups {
  readonly #limit: number
  readonly #open = new Set<AbortController>()

  constructor(limit: number) {
    this.#limit = limit
  }

  begin(): Lookup {
    const controller = new AbortController()
    this.#open.add(controller)
    if (this.#open.size > this.#limit) this.#refuse(this.#open.values().next().value!)
    return { signal: controller.signal, end: () => void this.#open.delete(controller) }
  }

  #refuse(oldest: AbortController): void {
    this.#open.delete(oldest)
    oldest.abort(new BusyError('too many requests name inputs that are not on their channel'))
  }
}

/** Remembers requests by key, so that a repeated request gets the first response and starts nothing again. */
export class HandledRequests<T> {
  readonly #limit: number
  readonly #responses = new Map<string, Promise<T>>()

  /** @param limit - how many requests to remember; the oldest are forgotten */
  constructor(limit: number) {
    this.#limit = limit
  }

  /** The result of `begin` for this key. A request that failed may be repeated. */
  once(key: string, begin: () => Promise<T>): Promise<T> {
    const known = this.#responses.get(key)
    if (known) return known
    const begun = begin()
    this.#responses.set(key, begun)
    begun.catch(() => this.#responses.delete(key))
    if (this.#responses.size > this.#limit) this.#responses.delete(this.#responses.keys().next().value!)
    return begun
  }
}
