import type { RealtimeClient } from 'ably'
import type { UIMessage, UIMessageChunk } from 'ai'
import { UIMessageCodec } from '../codec/ui-message/writing'
import type { TrustOptions } from '../core/access'
import type { ReplyCodec } from '../core/codec'
import { badRequest, ErrorCode, toSessionError, unableTo, type SessionError } from '../core/errors'
import type { Tree } from '../core/tree'
import type { AgentRun, RunHooks } from './agent-run'
import type { AgentArchive } from './archive'
import { AgentChannel, type ChannelOptions } from './channel'
import { ChannelRun } from './channel-run'
import { sessionClosed } from './errors'
import { checkSessionName, type Invocation } from './intake'
import type { InternalHooks } from './live-run'
import { resolvesWithin } from '../core/signals'

/** Options of an agent's session. */
export interface AgentSessionOptions<M extends object, Chunk> extends TrustOptions {
  /** A connected or connecting `Ably.Realtime`. It stays yours: the session never closes it. */
  client: RealtimeClient
  /** The session's full name, namespace included: at most 200 characters, no `[`. */
  sessionName: string
  /** Translates between messages and channel rows. @default `UIMessageCodec` */
  codec?: ReplyCodec<M, Chunk>
  /**
   * Keeps the rows of each run and its prompts when the run has ended, and has the history that Ably keeps no longer.
   * `end()` of a run waits for the write; a failure is reported and tried again with the next run.
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
   * @throws SessionError 104010 when the run's start and input are not seen within `triggerTimeout` (30 s by default),
   * 40003 when it has ended or is suspended, 40033 when `signal` aborts first, 104001 when the channel cannot be
   * attached, 104011 when history could not be read
   *
   * @example
   * const run = await session.adoptRun(JSON.parse(saved), { onCancel: ownerOnly })
   */
  adoptRun(
    run: { runId: string; invocationId: string; inputEventId: string },
    hooks?: Omit<RunHooks<Chunk>, 'runId' | 'invocationId'>,
  ): Promise<AgentRun<M, Chunk>>
  /**
   * Ends every open run as cancelled, then detaches. Suspended runs stay suspended. A refused publish is reported.
   * Never rejects.
   *
   * @param options - `within`: the time limit in milliseconds; runs whose end is not published by then are reported and
   * left open. By default there is no limit while the network is away, and two minutes while the channel refuses
   */
  end(options?: { within?: number }): Promise<void>
  /** Detaches and publishes nothing: runs stay open for another process. Their work in this process is aborted. */
  detach(): Promise<void>
  /** Listens for failures in the background. Returns a function that stops listening. */
  on(event: 'error', listener: (error: SessionError) => void): () => void
}

/** The agent's side of a session: makes runs on its channel, and ends or leaves them together. */
export class ChannelSession<M extends object, Chunk> implements AgentSession<M, Chunk> {
  readonly channel: AgentChannel<M, Chunk>
  #closing: Promise<void> | undefined

  constructor(options: ChannelOptions<M, Chunk>) {
    this.channel = new AgentChannel(options)
  }

  get name(): string {
    return this.channel.name
  }

  get tree(): Tree<M> {
    return this.channel.tree
  }

  connect(): Promise<void> {
    return this.channel.connect()
  }

  createRun(invocation: Invocation, hooks: InternalHooks<Chunk> = {}): AgentRun<M, Chunk> {
    if (this.#closing) throw sessionClosed('create the run', this.name)
    if (invocation.sessionName !== this.name) {
      throw badRequest(
        'create the run',
        `the invocation is for session "${invocation.sessionName}", not "${this.name}"`,
      )
    }
    return new ChannelRun(this.channel, invocation.inputEventId, hooks)
  }

  async adoptRun(
    { runId, invocationId, inputEventId }: { runId: string; invocationId: string; inputEventId: string },
    hooks: RunHooks<Chunk> = {},
  ): Promise<AgentRun<M, Chunk>> {
    if (this.#closing) throw sessionClosed('adopt the run', this.name)
    const run = new ChannelRun(this.channel, inputEventId, { ...hooks, runId, invocationId }, { isAdopted: true })
    await run.start()
    return run
  }

  end({ within }: { within?: number } = {}): Promise<void> {
    return (this.#closing ??= this.#end(within))
  }

  async #end(within: number | undefined): Promise<void> {
    this.channel.close()
    const ended = this.#endRuns().then(() => this.channel.detach())
    if (within === undefined) return ended
    if (await resolvesWithin(ended, within)) return
    for (const run of this.channel.runs) {
      this.channel.report(endTimedOut(run.runId, within))
      run.leave()
    }
    // NOTE: not awaited: without a network the channel answers late
    void this.channel.detach()
  }

  async #endRuns(): Promise<void> {
    const { runs, report } = this.channel
    const reportFailure = (cause: unknown): void =>
      report(toSessionError('end the run', ErrorCode.LifecyclePublishFailed, cause))
    await Promise.all(Array.from(runs, (run) => run.endWithSession().catch(reportFailure)))
  }

  detach(): Promise<void> {
    for (const run of this.channel.runs) run.leave()
    return (this.#closing ??= this.#detach())
  }

  async #detach(): Promise<void> {
    this.channel.close()
    await this.channel.detach()
  }

  on(event: 'error', listener: (error: SessionError) => void): () => void {
    return this.channel.on(event, listener)
  }
}

const endTimedOut = (runId: string, within: number): SessionError =>
  unableTo(
    `end run "${runId}"`,
    `the channel has not accepted its end within ${within / 1000} s`,
    ErrorCode.LifecyclePublishFailed,
  )

/**
 * Opens the agent's side of a session. For a whole HTTP endpoint see `defineAgent`.
 *
 * @throws SessionError 40003 when the session name is not valid, or an option is out of range
 * @example
 * const session = createAgentSession({ client, sessionName: invocation.sessionName })
 * await session.connect()
 * const run = session.createRun(invocation)
 * await run.start()
 * await run.pipe(answer(run.context(), run.abortSignal))
 * await run.end()
 * await session.end()
 */
export const createAgentSession = <M extends object = UIMessage, Chunk = UIMessageChunk>(
  options: AgentSessionOptions<M, Chunk>,
): AgentSession<M, Chunk> => openChannelSession(options)

export function openChannelSession<M extends object, Chunk>(
  options: AgentSessionOptions<M, Chunk>,
): ChannelSession<M, Chunk> {
  checkSessionName(options.sessionName)
  checkPageSize(options.historyPageSize)
  checkRate(options.maxRate)
  // Without a codec nothing infers M and Chunk, so they are their defaults
  const codec = options.codec ?? (UIMessageCodec as unknown as ReplyCodec<M, Chunk>)
  return new ChannelSession({ ...options, codec })
}

function checkPageSize(size = 1): void {
  if (Number.isInteger(size) && size >= 1 && size <= 1000) return
  throw badRequest('open the session', `"historyPageSize" must be a whole number from 1 to 1000, not ${size}`)
}

function checkRate(rate = Infinity): void {
  // NOTE: a missing environment variable turns into NaN
  if (!(rate > 0)) throw badRequest('open the session', `"maxRate" must be a number above 0, not ${rate}`)
}
