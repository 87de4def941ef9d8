import type { RealtimeClient } from 'ably'
import type { InferUIMessageChunk, UIMessage, UIMessageChunk } from 'ai'
import { checkClient, Uplink } from '../ably/client'
import type { TrustOptions } from '../core/access'
import type { ReplyCodec } from '../core/codec'
import { warnOnce } from '../core/diagnostics'
import { ErrorCode, SessionError, unableTo } from '../core/errors'
import { longestDelay } from '../core/signals'
import type { AgentRun, RunHooks } from './agent-run'
import {
  authorizer,
  type Authorize,
  readInvocation,
  HandledRequests,
  Lookups,
  Semaphore,
  type Invocation,
} from './intake'
import { openChannelSession, type AgentSessionOptions, type ChannelSession } from './agent-session'
import { withCors, type CorsOptions, checkIsRequest, errorResponse, isAnswer, json } from './http'
import { agentClosed, guarded, logError, mode, say } from './errors'
import { deadRunsEnded } from './dead-runs'
import { respondTo, type Respond } from './respond'
import { Renewable, SharedSessions, type Lease } from './shared-sessions'
import { inTime } from './time-limit'

/** Options of an agent. */
export interface AgentOptions<M extends object, Chunk>
  extends
    Pick<
      RunHooks<Chunk>,
      'admit' | 'errorText' | 'onAnswer' | 'onCancel' | 'onCancelled' | 'onSteer' | 'triggerTimeout'
    >,
    Pick<AgentSessionOptions<M, Chunk>, 'archive'>,
    TrustOptions {
  /**
   * Creates the agent's client; give it a `clientId` that browsers never get. Called on the first request, and again
   * when the client was closed or has failed for good.
   */
  client: () => RealtimeClient | Promise<RealtimeClient>
  /** Translates between messages and channel rows. @default `UIMessageCodec` */
  codec?: ReplyCodec<M, Chunk>
  /**
   * Decides whether a request may have its prompt answered. Without it every request is refused, unless NODE_ENV is
   * `development` or `test`.
   */
  authorize?: Authorize
  /** Pages of other origins that may wake this agent. @default none */
  cors?: CorsOptions
  /**
   * Answers one prompt. The run has started, or has resumed after it was suspended. When this returns, the run ends
   * with the returned outcome, else with the result of its last pipe; it is suspended when that pipe waits for a tool
   * or an approval. When this throws, the run ends as an error, and clients see its `errorText`.
   */
  respond: Respond<M, Chunk>
  /** Outputs per second that all runs publish together; see `createAgentSession`. @default 40 */
  maxRate?: number
  /**
   * Runs that this process answers at a time; a further request gets 429 and is repeated by the client. @default 100
   */
  maxConcurrent?: number
  /** Milliseconds that a run may take; after that it ends as an error, which is also reported. @default no limit */
  maxDuration?: number
  /**
   * Called once with every error while answering: of `respond`, of streams, of the channel. @default `console.error`
   */
  onError?: (error: unknown) => void
}

/** The chunks of a reply of this message type. */
export type ChunkOf<M> = M extends UIMessage ? InferUIMessageChunk<M> : UIMessageChunk

/** A server's second argument to `fetch`. */
export interface FetchContext {
  /** Keeps a serverless process alive until a promise settles. */
  waitUntil?: (promise: Promise<unknown>) => void
}

/** An agent as an HTTP endpoint. */
export interface Agent {
  /**
   * Handles a request to answer a prompt. Responds with 202 `{ runId, invocationId }` once the run has started, and the
   * run continues; with 200 and `handled: true` when a run answers the prompt already, 409 when the run to resume has
   * ended, 429 when the client should repeat the request later. Never rejects.
   */
  fetch: (request: Request, context?: FetchContext) => Promise<Response>
  /**
   * Ends every open run as cancelled and detaches all channels; the client stays connected. Settles within 8 seconds
   * and never rejects: if an end could not be published by then, as without a network, `onError` hears of it.
   */
  close: () => Promise<void>
}

const agentsMissing =
  'defineAgent() has no "agents": any client that may publish on a channel can publish fake answers, which the model then reads. Set it to the client id of this agent.'

/** Milliseconds that `client` may take: until then every request waits for it. */
const clientLimit = 60_000

/** Milliseconds to watch a suspended run, so that a cancel can end it. */
const suspendedLinger = 600_000

/** Milliseconds to try to end open runs: longer than `onCancelled` may take. */
const closeLimit = 8000

/** The number of requests whose input may be looked up at a time. */
const maxLookups = 100

/** Errors of requests that a closing agent does not answer. */
const refusalCodes: ReadonlySet<number> = new Set([ErrorCode.Closed, ErrorCode.Cancelled])

/** The number of requests to remember, so that a repeated one is not answered again. */
const handledLimit = 1000

/**
 * Defines an agent that answers `POST { inputEventId, sessionName }`, for any server that takes `fetch` handlers.
 *
 * @example
 * export default defineAgent({
 *   client: () => new Ably.Realtime({ key: process.env.ABLY_API_KEY, clientId: 'agent' }),
 *   authorize: (request, { sessionName }) => mayUse(request, sessionName),
 *   async respond(run) {
 *     const messages = await convertToModelMessages(run.context())
 *     const result = streamText({ model, messages, abortSignal: run.abortSignal })
 *     await run.pipe(result.toUIMessageStream())
 *   },
 * })
 */
export function defineAgent<M extends object = UIMessage, Chunk = ChunkOf<M>>(options: AgentOptions<M, Chunk>): Agent {
  checkOptions(options)
  const { codec, agents, policy, archive, respond, maxRate, maxConcurrent = 100, maxDuration } = options
  const { admit, errorText, onAnswer, onCancel, onCancelled, onSteer, triggerTimeout } = options
  const report = guarded(options.onError ?? logError)
  const authorize = authorizer(options.authorize, report)
  if (!agents && mode() !== 'test') warnOnce(agentsMissing)
  const handled = new HandledRequests<{ runId: string; invocationId: string }>(handledLimit)
  const places = new Semaphore(maxConcurrent)
  const lookups = new Lookups(maxLookups)
  const connection = new Renewable(
    async () => {
      const client = checkClient(await inTime('"client"', options.client(), clientLimit))
      return { uplink: new Uplink(client), sessions: new SharedSessions((name) => openSession(client, name)) }
    },
    ({ uplink }) => uplink.isOver,
    ({ sessions }) => sessions.leave(),
  )

  let closing: Promise<void> | undefined

  function openSession(client: RealtimeClient, sessionName: string): ChannelSession<M, Chunk> {
    const session = openChannelSession<M, Chunk>({ client, sessionName, codec, agents, policy, archive, maxRate })
    session.on('error', report)
    return session
  }

  async function lease(sessionName: string): Promise<Lease<ChannelSession<M, Chunk>>> {
    if (closing) throw agentClosed()
    const { sessions } = await connection.get()
    if (closing) throw agentClosed()
    return sessions.acquire(sessionName)
  }

  /** Starts a run if its input is found and a place is free. */
  async function startRun(
    invocation: Invocation,
  ): Promise<{ run: AgentRun<M, Chunk>; channel: object; leave: (linger?: number) => void }> {
    const lookup = lookups.begin()
    const { signal } = lookup
    let freePlace: (() => void) | undefined
    let release: ((linger?: number) => void) | undefined
    const leave = (linger?: number): void => {
      lookup.end()
      freePlace?.()
      release?.(linger)
    }
    try {
      const held = await lease(invocation.sessionName)
      release = held.release
      const onFound = (): void => {
        lookup.end()
        freePlace = places.acquire()
      }
      const given = { admit, errorText, onAnswer, onCancel, onCancelled, onSteer, triggerTimeout }
      const hooks = { ...given, signal, onFound }
      const run = held.session.createRun(invocation, hooks)
      await run.start()
      return { run, channel: held.session.channel, leave }
    } catch (error) {
      leave()
      throw signal.aborted ? signal.reason : error
    }
  }

  /** Ends a run as an error once it has taken too long. */
  function limitDuration(run: AgentRun<M, Chunk>): void {
    if (maxDuration === undefined) return
    const timer = setTimeout(
      () => {
        const error = unableTo('answer', `it took longer than ${maxDuration / 1000} s`, ErrorCode.StreamFailed)
        report(error)
        run.end({ reason: 'error', error }).catch(report)
      },
      Math.min(maxDuration, longestDelay),
    )
    void run.finished.then(() => clearTimeout(timer))
  }

  async function begin(
    invocation: Invocation,
    context?: FetchContext,
  ): Promise<{ runId: string; invocationId: string }> {
    const { run, channel, leave } = await startRun(invocation)
    limitDuration(run)
    const done = respondTo(run, respond, report, errorText)
    // NOTE: the place is free when the run has finished, even if `respond` is still busy
    void Promise.race([run.finished, done]).then(() => leave(run.phase === 'suspended' ? suspendedLinger : undefined))
    // NOTE: some servers pass another object as the second argument of `fetch`
    if (typeof context?.waitUntil === 'function') context.waitUntil(Promise.all([done, deadRunsEnded(channel)]))
    return { runId: run.runId, invocationId: run.invocationId }
  }

  async function answer(request: Request, context?: FetchContext): Promise<Response> {
    try {
      const invocation = await readInvocation(request)
      await authorize(request, invocation)
      const key = JSON.stringify(invocation)
      return json(202, await handled.once(key, () => begin(invocation, context)))
    } catch (error) {
      // NOTE: a closed agent refuses requests as it should, and their clients try again
      const isRefusal = closing !== undefined && error instanceof SessionError && refusalCodes.has(error.code)
      if (!isAnswer(error) && !isRefusal) report(error)
      return errorResponse(error)
    }
  }

  function close(): Promise<void> {
    if (places.taken > 0) say(`the agent is closing; open runs that end as cancelled: ${places.taken}`)
    return connection.current?.sessions.close(closeLimit) ?? Promise.resolve()
  }

  const handle = withCors(answer, options.cors, 'POST')
  return {
    async fetch(request, context) {
      try {
        checkIsRequest(request)
      } catch (error) {
        report(error)
        return errorResponse(error)
      }
      return handle(request, context)
    },
    close: () => (closing ??= close()),
  }
}

function checkOptions({ client, respond }: Partial<Record<'client' | 'respond', unknown>>): void {
  if (typeof client !== 'function') {
    throw new Error(
      'unable to define the agent; "client" must be a function: client: () => new Ably.Realtime({ key, clientId: \'agent\' })',
    )
  }
  if (typeof respond !== 'function') {
    throw new Error(
      'unable to define the agent; "respond" must be a function: async respond(run) { await run.pipe(...) }',
    )
  }
}
