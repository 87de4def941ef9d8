import { SessionChannel, type ChannelChange } from '../ably/session-channel'
import { Uplink } from '../ably/uplink'
import type { ReplyCodec } from '../core/codec'
import { Emitter } from '../core/emitter'
import { ErrorCode, reasonOf, SessionError, toSessionError } from '../core/errors'
import type { Row } from '../core/log'
import { plainPort } from '../core/port'
import { Tree } from '../core/tree'
import { trustOf, type Trust } from '../core/access'
import { Header, MessageName, type ChannelMessage } from '../core/wire'
import type { AgentRun, RunHooks } from './agent-run'
import type { AgentSession, AgentSessionOptions } from './agent-session'
import { ChannelRun } from './channel-run'
import { History } from './history'
import { inTime } from './in-time'
import type { Invocation } from './invocation'
import { misuse } from './misuse'
import { defaultMaxRate, pacerOf, type Pacer } from './pacer'
import type { RunHost } from './run-host'
import { adopted, invoked } from './subject'
import { Triggers } from './triggers'
import { takesUp } from './waiting'

// NOTE: whatever a long gap was about, an agent needs only what is recent
const maxCatchUpMessages = 5000

/** The agent's side of a session: what it knows of the channel, and the runs that are open on it. */
export class ChannelSession<M extends object, Chunk> implements AgentSession<M, Chunk>, RunHost<M, Chunk> {
  readonly name: string
  readonly codec: ReplyCodec<M, Chunk>
  readonly tree: Tree<M>
  readonly channel: SessionChannel
  readonly pacer: Pacer
  readonly uplink: Uplink
  readonly triggers = new Triggers()
  readonly history: History
  readonly #runs = new Set<ChannelRun<M, Chunk>>()
  readonly #trust: Trust
  readonly #emitter = new Emitter<{ error: SessionError }>()
  /** Messages that hooks are shown. */
  readonly #requests = new WeakMap<Row, ChannelMessage>()
  readonly #listeners = new Set<() => void>()
  #connecting: Promise<void> | undefined
  #closing: Promise<void> | undefined
  #stopWatching = (): void => {}

  constructor(options: Required<Pick<AgentSessionOptions<M, Chunk>, 'codec'>> & AgentSessionOptions<M, Chunk>) {
    const { client, sessionName, codec, historyPageSize = 1000, maxRate = defaultMaxRate } = options
    this.name = sessionName
    this.codec = codec
    this.#trust = trustOf(options)
    this.tree = new Tree(codec, plainPort, this.#trust)
    this.channel = new SessionChannel(client, sessionName, codec.name)
    this.uplink = new Uplink(client)
    this.pacer = pacerOf(client, maxRate)
    this.history = new History(
      () => this.channel.history(historyPageSize),
      (page) => this.#takePage(page),
    )
  }

  connect(): Promise<void> {
    if (this.#closing) return Promise.reject(this.#closed('connect'))
    return (this.#connecting ??= this.#attach())
  }

  async #attach(): Promise<void> {
    try {
      await this.channel.attach(this.#hear)
      this.#stopWatching = this.channel.onChange(this.#changed)
      this.#checkIdentity()
    } catch (error) {
      this.#connecting = undefined
      throw error
    }
  }

  /** What an agent publishes that `agents` does not accept, nobody would see. */
  #checkIdentity(): void {
    const { clientId } = this.channel
    if (this.#trust.isAgent?.(clientId) !== false) return
    throw misuse('connect', `"agents" does not accept this agent itself, whose clientId is "${clientId ?? ''}"`)
  }

  createRun(invocation: Invocation, hooks: RunHooks<Chunk> = {}): AgentRun<M, Chunk> {
    if (this.#closing) throw this.#closed('create the run')
    if (invocation.sessionName !== this.name) {
      throw misuse('create the run', `the invocation is for session "${invocation.sessionName}", not "${this.name}"`)
    }
    return this.#add(new ChannelRun<M, Chunk>(this, invocation.inputEventId, hooks, invoked))
  }

  async adoptRun(
    { runId, invocationId, inputEventId }: { runId: string; invocationId: string; inputEventId: string },
    hooks: RunHooks<Chunk> = {},
  ): Promise<AgentRun<M, Chunk>> {
    if (this.#closing) throw this.#closed('adopt the run')
    const run = this.#add(new ChannelRun(this, inputEventId, { ...hooks, runId, invocationId }, adopted))
    await run.start()
    return run
  }

  #add(run: ChannelRun<M, Chunk>): ChannelRun<M, Chunk> {
    this.#runs.add(run)
    return run
  }

  takeOver(run: ChannelRun<M, Chunk>): void {
    for (const other of this.#runs) if (other !== run && other.runId === run.runId) other.giveUp()
  }

  forget(run: ChannelRun<M, Chunk>): void {
    this.#runs.delete(run)
  }

  end({ within }: { within?: number } = {}): Promise<void> {
    return (this.#closing ??= this.#end(within))
  }

  async #end(within: number | undefined): Promise<void> {
    const ended = this.#endRuns().then(() => this.#leave())
    if (within === undefined) return ended
    if (await inTime(ended, within)) return
    for (const run of this.#runs) {
      this.report(unended(run.runId, within))
      run.leave()
    }
    // NOTE: a channel whose network is away answers late
    void this.#leave()
  }

  async #endRuns(): Promise<void> {
    const reported = (cause: unknown): void =>
      this.report(toSessionError('end the run', ErrorCode.LifecyclePublishFailed, cause))
    await Promise.all(Array.from(this.#runs, (run) => run.endWithSession().catch(reported)))
  }

  detach(): Promise<void> {
    for (const run of this.#runs) run.leave()
    return (this.#closing ??= this.#leave())
  }

  async #leave(): Promise<void> {
    this.#stopWatching()
    await this.channel.detach(this.#hear)
  }

  on(event: 'error', listener: (error: SessionError) => void): () => void {
    return this.#emitter.on(event, listener)
  }

  readonly report = (error: SessionError): void => this.#emitter.emit('error', error)

  readonly onHeard = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  readonly messageOf = (row: Row): ChannelMessage => this.#requests.get(row) ?? {}

  readonly #hear = (message: ChannelMessage): void => {
    this.#take(message)
    if (message.action === 'message.create' && message.serial) this.history.heard(message.serial)
    if (takesUp.has(message.name)) this.#considerWaiting()
    if (message.name === MessageName.cancel) this.#considerCancels()
    if (message.name === MessageName.input) this.#considerSteers()
    this.#tell()
  }

  #takePage(messages: readonly ChannelMessage[]): void {
    for (const message of messages) this.#take(message)
    this.#considerWaiting()
    this.#considerCancels()
    this.#considerSteers()
    this.#tell()
  }

  #tell(): void {
    for (const listener of this.#listeners) listener()
  }

  #take(message: ChannelMessage): void {
    const isNew = this.tree.apply(message)
    if (!isNew || (message.name !== MessageName.input && message.name !== MessageName.cancel)) return
    const row = this.tree.log.get(message.serial ?? '')
    if (!row) return
    if (row.name === MessageName.cancel || row.transport[Header.runId] !== undefined) this.#requests.set(row, message)
    if (row.name === MessageName.input) this.triggers.note(row)
  }

  #considerWaiting(): void {
    for (const run of this.#runs) run.considerWaiting()
  }

  #considerCancels(): void {
    for (const run of this.#runs) void run.considerCancels()
  }

  #considerSteers(): void {
    for (const run of this.#runs) void run.considerSteers()
  }

  readonly #changed = ({ state, resumed, reason }: ChannelChange): void => {
    if (this.#closing || state === 'attaching') return
    if (state !== 'attached') this.report(lost(this.name, `the channel is ${state}`, reason))
    else if (!resumed) void this.#catchUp()
  }

  /** Reads what was missed while the connection was lost, cancels among it. Runs go on meanwhile. */
  async #catchUp(): Promise<void> {
    this.tree.settle()
    const { newest } = this.tree.log
    const open = this.tree.oldestOpen() ?? newest
    const since = open < newest ? open : newest
    this.history.restart()
    try {
      await this.history.readUntil(() => this.#closing !== undefined || this.history.covers(since), maxCatchUpMessages)
    } catch (cause) {
      this.report(lost(this.name, reasonOf(cause), cause))
    }
  }

  #closed(what: string): SessionError {
    return new SessionError(`unable to ${what}; the session "${this.name}" was closed`, ErrorCode.Closed)
  }
}

const unended = (runId: string, within: number): SessionError =>
  new SessionError(
    `unable to end run "${runId}"; the channel has not taken its end in ${within / 1000} s`,
    ErrorCode.LifecyclePublishFailed,
  )

const lost = (name: string, why: string, cause: unknown): SessionError =>
  new SessionError(`unable to hear all of session "${name}"; ${why}`, ErrorCode.ContinuityLost, { cause })
