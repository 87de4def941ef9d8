import type { RealtimeClient } from 'ably'
import type { ReplyCodec } from '../core/codec'
import type { SessionError } from '../core/errors'
import type { Tree } from '../core/tree'
import type { TrustOptions } from '../core/access'
import type { AgentRun, RunHooks } from './agent-run'
import type { Invocation } from './invocation'

/** Which session an agent is to serve, and how. */
export interface AgentSessionOptions<M extends object, Chunk> extends TrustOptions {
  /** A connected or connecting `Ably.Realtime`. It stays yours: the session never closes it. */
  client: RealtimeClient
  /** The session's full name, namespace included: at most 200 characters, no `[`. */
  sessionName: string
  /** How messages travel. @default `UIMessageCodec` */
  codec?: ReplyCodec<M, Chunk>
  /** Messages per page of history, 1 to 1000. @default 1000 */
  historyPageSize?: number
  /**
   * Outputs a second that all runs on the client's connection publish together. Text that comes faster is gathered and sent
   * in fewer messages; starts and ends of runs come on top, within the limit that Ably tells, usually 50. `Infinity` sends
   * everything at once. Of several sessions on one client the lowest counts. @default 40
   */
  maxRate?: number
}

/** The agent's side of one session. Several runs may be open at a time. */
export interface AgentSession<M extends object, Chunk> {
  /** The session's full name. */
  readonly name: string
  /** The conversation as far as it was heard or read. */
  readonly tree: Tree<M>
  /**
   * Attaches to the channel. Called again it answers with the same promise; after a failure it tries again.
   * @throws SessionError 104001 when the channel cannot be attached, 104004 after `end()` or `detach()`
   */
  connect(): Promise<void>
  /**
   * Makes a run for one waking of the agent. Nothing is published before its `start()`.
   * @throws SessionError 40003 when the invocation is for another session or an id is empty
   */
  createRun(invocation: Invocation, hooks?: RunHooks<Chunk>): AgentRun<M, Chunk>
  /**
   * Goes on with a run that another process started and left open. Nothing is published, but streams which that process
   * left open are closed as cancelled; the channel takes that from the same `clientId` only. The run's ids are those of its
   * `toJSON()`. Give the steps that are to take the place of half-written ones ids of your own. When it rejects, the run is
   * left open.
   * @throws SessionError 104010 when the run's start and input are not seen in `triggerTimeout` (by default 30 s), 40003
   * when it has ended or is suspended, 40033 when `signal` aborts before that, 104001 when the channel cannot be attached,
   * 104011 when history could not be read
   *
   * @example
   * const run = await session.adoptRun(JSON.parse(left), { onCancel: ownerOnly })
   */
  adoptRun(
    run: { runId: string; invocationId: string; inputEventId: string },
    hooks?: Omit<RunHooks<Chunk>, 'runId' | 'invocationId'>,
  ): Promise<AgentRun<M, Chunk>>
  /**
   * Ends every open run as cancelled, then detaches. Runs that are suspended go on waiting. What the channel does not take is
   * reported. Never rejects.
   *
   * @param options - `within`: milliseconds to try; runs whose end cannot be published by then are reported and left open.
   * By default that is tried as long as the network is away, and for two minutes while the channel refuses it
   */
  end(options?: { within?: number }): Promise<void>
  /** Detaches without a word: runs stay open for another process. What runs in this one is aborted. */
  detach(): Promise<void>
  /** Hears what fails in the background. Returns how to stop listening. */
  on(event: 'error', listener: (error: SessionError) => void): () => void
}
