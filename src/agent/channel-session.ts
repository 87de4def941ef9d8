import type { UIMessage, UIMessageChunk } from 'ai'
import { UIMessageCodec } from '../codec/ui-message/writing'
import type { ReplyCodec } from '../core/codec'
import { ErrorCode, toSessionError, unableTo, type SessionError } from '../core/errors'
import type { Tree } from '../core/tree'
import type { AgentRun, RunHooks } from './agent-run'
import type { AgentSession, AgentSessionOptions } from './agent-session'
import { AgentChannel, type ChannelOptions } from './channel'
import { ChannelRun } from './channel-run'
import { badRequest, sessionClosed } from './errors'
import type { InternalHooks } from './live-run'
import { checkSessionName, type Invocation } from './invocation'
import { resolvesWithin } from './wait'

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
