import type { RealtimeClient } from 'ably'
import type { TrustOptions } from '../core/access'
import type { ReplyCodec } from '../core/codec'
import type { SessionError } from '../core/errors'
import type { Tree } from '../core/tree'
import type { AgentArchive } from './archive'
import type { AgentRun, RunHooks } from './agent-run'
import type { Invocation } from './invocation'

/** Options of an agent's session. */
export interface AgentSessionOptions<M extends object, Chunk> extends TrustOptions {
  /** A connected or connecting `Ably.Realtime`. It stays yours: the session never closes it. */
  client: RealtimeClient
  /** The session's full name, namespace included: at most 200 characters, no `[`. */
  sessionName: string
  /** Translates between messages and channel rows. @default `UIMessageCodec` */
  codec?: ReplyCodec<M, Chunk>
  /**
   * Keeps the rows of each run and its prompts when the run has ended, and has the history that Ably keeps no longer. `end()`
   * of a run waits for the write; a failure is reported and tried again with the next run.
   */
  archive?: AgentArchive
  /** Messages per page of history, 1 to 1000. @default 1000 */
  historyPageSize?: number
  /**
   * Outputs per second that all runs on the client's connection publish together. Faster text is merged into fewer
   * messages; starts and ends of runs come on top, within the limit of the connection, usually 50. `Infinity` publishes
   * everything at once. Of several sessions on one client the lowest rate counts. @default 40
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
   * Attaches to the channel. Repeated calls return the same promise; after a failure the next call tries again.
   * @throws SessionError 104001 when the channel cannot be attached, 104004 after `end()` or `detach()`
   */
  connect(): Promise<void>
  /**
   * Creates a run for one invocation of the agent. Nothing is published before its `start()`.
   * @throws SessionError 40003 when the invocation is for another session or an id is empty
   */
  createRun(invocation: Invocation, hooks?: RunHooks<Chunk>): AgentRun<M, Chunk>
  /**
   * Continues a run that another process started and left open. Nothing is announced, but streams that the process left
   * open are closed as cancelled; the channel accepts that from the same `clientId` only. Give the steps that replace
   * half-written ones ids of your own. When this rejects, the run stays open.
   *
   * @param run - the ids from the other process: its run's `toJSON()`
   * @throws SessionError 104010 when the run's start and input are not seen within `triggerTimeout` (30 s by default), 40003
   * when it has ended or is suspended, 40033 when `signal` aborts first, 104001 when the channel cannot be attached,
   * 104011 when history could not be read
   *
   * @example
   * const run = await session.adoptRun(JSON.parse(saved), { onCancel: ownerOnly })
   */
  adoptRun(
    run: { runId: string; invocationId: string; inputEventId: string },
    hooks?: Omit<RunHooks<Chunk>, 'runId' | 'invocationId'>,
  ): Promise<AgentRun<M, Chunk>>
  /**
   * Ends every open run as cancelled, then detaches. Suspended runs stay suspended. A refused publish is reported. Never
   * rejects.
   *
   * @param options - `within`: the time limit in milliseconds; runs whose end is not published by then are reported and left
   * open. By default there is no limit while the network is away, and two minutes while the channel refuses
   */
  end(options?: { within?: number }): Promise<void>
  /** Detaches and publishes nothing: runs stay open for another process. Their work in this process is aborted. */
  detach(): Promise<void>
  /** Listens for failures in the background. Returns a function that stops listening. */
  on(event: 'error', listener: (error: SessionError) => void): () => void
}
