import type { RealtimeClient } from 'ably'
import type { UIMessage, UIMessageChunk } from 'ai'
import { Uplink } from '../ably/uplink'
import type { ReplyCodec } from '../core/codec'
import { ErrorCode, SessionError } from '../core/errors'
import type { TrustOptions } from '../core/access'
import type { AgentRun, RunHooks } from './agent-run'
import type { AgentSession } from './agent-session'
import { createAgentSession } from './create-agent-session'
import { authorizer, type Authorize } from './authorize'
import { Crowd } from './crowd'
import { Handled } from './handled'
import { errorResponse, isAnswer, json } from './http-error'
import type { Invocation } from './invocation'
import { readInvocation } from './request'
import { respondTo, type Respond } from './respond'
import { Renewed } from './renewed'
import { SharedSessions, type Lease } from './shared-sessions'

/** What an agent does, and for whom. */
export interface AgentOptions<M extends object, Chunk>
  extends
    Pick<RunHooks<Chunk>, 'admit' | 'onAnswer' | 'onCancel' | 'onCancelled' | 'onSteer' | 'triggerTimeout'>,
    TrustOptions {
  /**
   * Makes the agent's client; give it a `clientId` that browsers never get. Called on the first request, and again when that
   * client was closed or has failed for good.
   */
  client: () => RealtimeClient | Promise<RealtimeClient>
  /** How messages travel. @default `UIMessageCodec` */
  codec?: ReplyCodec<M, Chunk>
  /**
   * Says whether whoever sent a request may have this prompt answered. Without it nobody is served, unless NODE_ENV is
   * `development` or `test`.
   */
  authorize?: Authorize
  /**
   * Answers one prompt. The run has started, or goes on after it waited. When this returns, the run ends with the outcome
   * that it returns, else as its last pipe came out; it waits when that pipe does, for a tool or an approval. When this
   * throws, the run ends as an error, whose message is shown to everybody on the session.
   */
  respond: Respond<M, Chunk>
  /** Outputs a second that all runs publish together; see `createAgentSession`. @default 40 */
  maxRate?: number
  /** Runs that this process may write at a time; further ones are refused with 429 and come again. @default 100 */
  maxConcurrent?: number
  /** Hears what goes wrong while answering. @default `console.error` */
  onError?: (error: unknown) => void
}

/** What the server that calls `fetch` offers besides the request. */
export interface FetchContext {
  /** Keeps a serverless process alive until a promise settles. */
  waitUntil?: (promise: Promise<unknown>) => void
}

/** An agent as an HTTP endpoint. */
export interface Agent {
  /**
   * Takes a wake-up. Answers 202 `{ runId, invocationId }` once the run has started, and the run goes on; 200 with
   * `handled: true` besides when it was answered already, 409 when it is to go on with a run that has ended, 429 when it is
   * to come again later. Never rejects.
   */
  fetch: (request: Request, context?: FetchContext) => Promise<Response>
  /**
   * Ends every run that is open as cancelled and leaves all channels; the client stays connected. Settles in 8 seconds and
   * never rejects: `onError` hears of runs whose end could not be published by then, as while the network is away.
   */
  close: () => Promise<void>
}

const agentsMissing =
  '[vue-ai-transport] defineAgent() has no "agents": whoever may publish on a channel can publish what passes for an answer, which the model then reads. Set it to the client id of this agent.'

/** Milliseconds to watch over a run that waits for somebody, so that it can be stopped meanwhile. */
const suspendedLinger = 600_000

/** Milliseconds to try to end what is open: more than a last word may take. */
const closeLimit = 8000

/** How many prompts are remembered, so that one that is posted again is not answered again. */
const handledLimit = 1000

/**
 * An agent that clients wake by `POST { inputEventId, sessionName }`, for any server that takes `fetch` handlers.
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
export function defineAgent<M extends object = UIMessage, Chunk = UIMessageChunk>(
  options: AgentOptions<M, Chunk>,
): Agent {
  const { codec, agents, policy, respond, maxRate, maxConcurrent = 100 } = options
  const { admit, onAnswer, onCancel, onCancelled, onSteer, triggerTimeout } = options
  const report = quietly(options.onError ?? logError)
  const authorize = authorizer(options.authorize, report)
  if (!agents && globalThis.process?.env?.NODE_ENV === 'development') console.warn(agentsMissing)
  const handled = new Handled<{ runId: string; invocationId: string }>(handledLimit)
  const crowd = new Crowd(maxConcurrent)
  const current = new Renewed(
    async () => {
      const client = await options.client()
      return { uplink: new Uplink(client), sessions: new SharedSessions((name) => openSession(client, name)) }
    },
    ({ uplink }) => uplink.isOver,
    ({ sessions }) => sessions.leave(),
  )

  let closing: Promise<void> | undefined

  function openSession(client: RealtimeClient, sessionName: string): AgentSession<M, Chunk> {
    const session = createAgentSession<M, Chunk>({ client, sessionName, codec, agents, policy, maxRate })
    session.on('error', report)
    return session
  }

  async function lease(sessionName: string): Promise<Lease<AgentSession<M, Chunk>>> {
    if (closing) throw closed()
    const { sessions } = await current.get()
    if (closing) throw closed()
    return sessions.acquire(sessionName)
  }

  /** Starts a run where there is room for it. */
  async function enter(invocation: Invocation): Promise<{ run: AgentRun<M, Chunk>; leave: (linger?: number) => void }> {
    const makeRoom = crowd.enter()
    let release: ((linger?: number) => void) | undefined
    const leave = (linger?: number): void => {
      makeRoom()
      release?.(linger)
    }
    try {
      const held = await lease(invocation.sessionName)
      release = held.release
      const hooks = { admit, onAnswer, onCancel, onCancelled, onSteer, triggerTimeout }
      const run = held.session.createRun(invocation, hooks)
      await run.start()
      return { run, leave }
    } catch (error) {
      leave()
      throw error
    }
  }

  async function begin(
    invocation: Invocation,
    context?: FetchContext,
  ): Promise<{ runId: string; invocationId: string }> {
    const { run, leave } = await enter(invocation)
    const done = respondTo(run, respond, report)
    // NOTE: a function that goes on after its run keeps nobody else from a place
    void Promise.race([run.finished, done]).then(() => leave(run.phase === 'suspended' ? suspendedLinger : undefined))
    // NOTE: some servers hand `fetch` something else as its second argument
    if (typeof context?.waitUntil === 'function') context.waitUntil(done)
    return { runId: run.runId, invocationId: run.invocationId }
  }

  return {
    async fetch(request, context) {
      try {
        const invocation = await readInvocation(request)
        await authorize(request, invocation)
        const key = JSON.stringify(invocation)
        return json(202, await handled.once(key, () => begin(invocation, context)))
      } catch (error) {
        if (!isAnswer(error)) report(error)
        return errorResponse(error)
      }
    },
    close: () => (closing ??= current.made?.sessions.close(closeLimit) ?? Promise.resolve()),
  }
}

const closed = (): SessionError => new SessionError('unable to answer; the agent was closed', ErrorCode.Closed)

/** Reports come from the middle of other people's runs, so a faulty listener must not throw into them. */
function quietly(listener: (error: unknown) => void): (error: unknown) => void {
  // NOTE: async, so that a listener that rejects is caught like one that throws
  const hear = async (error: unknown): Promise<void> => {
    try {
      await (listener(error) as unknown)
    } catch (cause) {
      logError(cause)
    }
  }
  return (error) => void hear(error)
}

const logError = (error: unknown): void => console.error('[vue-ai-transport]', error)
