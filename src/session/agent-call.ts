import { answered, ErrorCode, reasonOf, unableTo, type SessionError } from '../core/errors'
import { deferred } from '../core/signals'

/** The body of the request that wakes an agent: which prompt, on which channel. */
export interface InvocationBody {
  inputEventId: string
  sessionName: string
}

/** An agent behind HTTP. */
export interface AgentEndpoint {
  url: string | URL
  /** A function is called for every attempt, so that a refreshed token is used. */
  headers?: HeadersInit | (() => HeadersInit | Promise<HeadersInit>)
  /** @default globalThis.fetch */
  fetch?: typeof fetch
}

/**
 * Where the agent is: its URL, an endpoint with headers, or a function that wakes it. The wake is tried again when the
 * function throws, or takes longer than 10 seconds (20 for the second attempt, 30 for later ones).
 */
export type AgentTarget = string | URL | AgentEndpoint | ((invocation: InvocationBody) => void | Promise<void>)

/** The longest delay that `Retry-After` may ask for, in milliseconds. */
const longestRetryAfter = 300_000
/**
 * How long the first attempt may take, in milliseconds; the second may take twice, and later ones three times as long. A server
 * that restarts may leave a request without an answer, and a server that starts may need long for one.
 */
const attemptLimit = 10_000
const transient = new Set([408, 425, 429])

/** How an attempt went: `final` errors are not tried again, others after `after` milliseconds where that is given. */
export type WakeOutcome = 'accepted' | { error: SessionError; final: boolean; after?: number }

/** Makes one attempt to wake an agent; `count` is 1 for the first one. */
export async function callAgent(target: AgentTarget, invocation: InvocationBody, count: number): Promise<WakeOutcome> {
  const endpoint: AgentEndpoint | undefined =
    typeof target === 'function'
      ? undefined
      : typeof target === 'string' || target instanceof URL
        ? { url: target }
        : target
  const name = endpoint ? `the agent at ${String(endpoint.url)}` : 'the agent'
  const limit = attemptLimit * Math.min(count, 3)
  const { promise: timeout, reject } = deferred<never>()
  const abort = new AbortController()
  const timer = setTimeout(() => {
    reject(new Error(`${name} did not answer within ${limit / 1000} seconds`))
    abort.abort()
  }, limit)
  // NOTE: a Node process need not stay for it; in browsers a timer is a number
  ;(timer as { unref?: () => void }).unref?.()
  const call = async (): Promise<WakeOutcome> => {
    if (endpoint) return post(endpoint, name, invocation, abort.signal)
    await (target as (invocation: InvocationBody) => unknown)(invocation)
    return 'accepted'
  }
  try {
    // NOTE: a function of the app may never settle
    return await Promise.race([call(), timeout])
  } catch (cause) {
    return { error: failure(reasonOf(cause), cause), final: false }
  } finally {
    clearTimeout(timer)
  }
}

async function post(
  { url, headers: given, fetch: send = fetch }: AgentEndpoint,
  name: string,
  invocation: InvocationBody,
  signal: AbortSignal,
): Promise<WakeOutcome> {
  const headers = new Headers(typeof given === 'function' ? await given() : given)
  headers.set('content-type', 'application/json')
  const body = JSON.stringify(invocation)
  const response = await send(url, { method: 'POST', headers, body, keepalive: true, signal }).catch(
    (cause: unknown) => {
      throw new Error(`${name} cannot be reached: ${reasonOf(cause)}`, { cause })
    },
  )
  const { ok, status } = response
  // NOTE: read in any case, because Node keeps a connection busy with an unread body
  const text = response.text().catch(() => '')
  if (ok) return 'accepted'
  const words = await text
  // NOTE: an agent's own 404 has a code
  const fix =
    status === 404 && !words.includes('"code"')
      ? '. Compare `agent` of createAITransport() with the route of the agent'
      : ''
  const error = failure(`${name} ${answered(status, words)}${fix}`, response)
  const after = delayIn(response.headers.get('retry-after') ?? '')
  const final = status < 500 && !transient.has(status)
  return { error, final, ...(after > 0 && { after: Math.min(after, longestRetryAfter) }) }
}

const failure = (reason: string, cause: unknown): SessionError =>
  unableTo('wake the agent', reason, ErrorCode.SendFailed, { cause })

/** `Retry-After` in milliseconds: the header has seconds, or a date. */
const delayIn = (value: string): number =>
  Number.isFinite(Number(value)) ? Number(value) * 1000 : Date.parse(value) - Date.now()
