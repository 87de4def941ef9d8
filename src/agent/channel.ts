import type { RealtimeClient } from 'ably'
import { continueInArchive } from '../ably/archived-history'
import { WritableChannel } from '../ably/writable-channel'
import type { ChannelChange } from '../ably/session-channel'
import { Uplink } from '../ably/client'
import { trustOf, type Trust, type TrustOptions } from '../core/access'
import type { ReplyCodec } from '../core/codec'
import { Emitter, plainPort } from '../core/signals'
import { badRequest, ErrorCode, reasonOf, unableTo, type SessionError } from '../core/errors'
import { isOpen } from '../core/log'
import type { Row } from '../core/rows'
import { Tree } from '../core/tree'
import { Header, isClients, MessageName, type ChannelMessage } from '../core/wire'
import { ArchiveWriter, type AgentArchive } from './archive'
import { sessionClosed } from './errors'
import { History, TriggerIndex, waitFor } from './history'
import { CancelRefusals } from './cancel-queues'
import { ownPresenceOf, type OwnPresence } from './own-presence'
import { defaultMaxRate, pacerOf, SessionPacer } from './pacer'

/** A message as the runs of its channel hear of it. */
export interface Heard {
  readonly name: string | undefined
  /** Undefined if the message changed nothing, or only made text longer. */
  readonly row: Row | undefined
}

/** An open run as its channel knows it. */
export interface OpenRun {
  readonly runId: string
  /** Whether its end or suspend could not be published: the next agent that is woken ends it. */
  readonly hasFailedToEnd: boolean
  /**
   * Reacts to the present tree.
   *
   * @param heard - the message that was heard, with its row if it is new; undefined after a page of history
   */
  review(heard?: Heard): void
  /** Stops watching a suspended run, because it was resumed elsewhere. */
  giveUp(): void
  /** Ends the run because its session ends; a suspended run stays suspended. */
  endWithSession(): Promise<void>
  /** Aborts the work and publishes nothing more, so that another process can adopt the run. */
  leave(): void
}

export interface ChannelOptions<M extends object, Chunk> extends TrustOptions {
  readonly client: RealtimeClient
  readonly sessionName: string
  readonly codec: ReplyCodec<M, Chunk>
  readonly archive?: AgentArchive
  readonly historyPageSize?: number
  readonly maxRate?: number
}

/** How long the echo of a run's end may take, in milliseconds. */
const echoLimit = 5000

// NOTE: after a long gap an agent needs only recent messages
const maxCatchUpMessages = 5000

/** One session's channel, as the runs of this process use it: the messages heard and read, and the way to publish. */
export class AgentChannel<M extends object, Chunk> {
  readonly name: string
  readonly codec: ReplyCodec<M, Chunk>
  readonly tree: Tree<M>
  /** The Ably channel. */
  readonly ably: WritableChannel
  readonly pacer: SessionPacer
  readonly uplink: Uplink
  readonly triggers = new TriggerIndex((row) => this.tree.log.has(row.serial))
  readonly refusals = new CancelRefusals((error) => this.report(error))
  readonly history: History
  readonly archive: ArchiveWriter<M> | undefined
  /** The runs that are open or suspended here. A run adds and removes itself. */
  readonly runs = new Set<OpenRun>()
  readonly #trust: Trust
  readonly #emitter = new Emitter<{ error: SessionError }>()
  /** The messages of inputs and cancels, for hooks. */
  readonly #messages = new WeakMap<Row, ChannelMessage>()
  readonly #listeners = new Set<() => void>()
  /** When the newest message of a run was published, by run id and Ably's clock. */
  readonly #activity = new Map<string, number>()
  #connecting: Promise<void> | undefined
  #isClosed = false
  #stopWatching: (() => void) | undefined
  /** Ends the wait for the channel while it is being attached again. */
  #settle: (() => void) | undefined

  constructor(options: ChannelOptions<M, Chunk>) {
    const { client, sessionName, codec, historyPageSize = 1000, maxRate = defaultMaxRate } = options
    this.name = sessionName
    this.codec = codec
    this.#trust = trustOf(options)
    this.tree = new Tree(codec, plainPort, this.#trust)
    this.ably = new WritableChannel(client, sessionName, codec.name)
    this.uplink = new Uplink(client)
    this.pacer = new SessionPacer(pacerOf(client, maxRate))
    if (options.archive && !this.uplink.hearsItself) throw deaf()
    this.archive = options.archive && new ArchiveWriter(options.archive, sessionName, this.tree, this.report)
    const place = { archive: this.archive, sessionName, limit: historyPageSize }
    this.history = new History(
      async () => continueInArchive(await this.ably.history(historyPageSize), place),
      (page) => this.#takePage(page),
    )
  }

  /** The runs that this process names as live in presence. */
  get presence(): OwnPresence {
    return ownPresenceOf(this.ably.runPresence, this.pacer, this.report)
  }

  /** Attaches; repeated calls share one attempt. It can be repeated after a failure, and when the channel is lost. */
  connect(): Promise<void> {
    if (this.#isClosed) return Promise.reject(sessionClosed('connect', this.name))
    return (this.#connecting ??= this.#attach())
  }

  async #attach(): Promise<void> {
    try {
      await this.ably.attach(this.#hear)
      this.#stopWatching ??= this.ably.onChange(this.#react)
      this.#checkIdentity()
    } catch (error) {
      this.#connecting = undefined
      throw error
    }
  }

  /** Clients would ignore every message of an agent that `agents` does not accept. */
  #checkIdentity(): void {
    const { clientId } = this.ably
    if (this.#trust.isAgent?.(clientId) !== false) return
    throw badRequest('connect', `"agents" does not accept this agent itself, whose clientId is "${clientId ?? ''}"`)
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Refuses to connect from now on, and reports no more connection changes. Runs can still publish. */
  close(): void {
    this.#isClosed = true
  }

  async detach(): Promise<void> {
    this.#stopWatching?.()
    this.#settle?.()
    await this.ably.detach(this.#hear)
  }

  on(event: 'error', listener: (error: SessionError) => void): () => void {
    return this.#emitter.on(event, listener)
  }

  readonly report = (error: SessionError): void => this.#emitter.emit('error', error)

  /** Calls back after each message that is heard and each page that is read; returns a function that ends that. */
  readonly onHeard = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Whether a client counts as an agent. */
  readonly isAgent = (clientId: string | undefined): boolean => this.#trust.isAgent?.(clientId) !== false

  /** The message that an input or a cancel came with. */
  readonly messageOf = (row: Row): ChannelMessage => this.#messages.get(row) ?? {}

  readonly #hear = (message: ChannelMessage): void => {
    const row = this.#take(message)
    if (message.action === 'message.create' && message.serial) this.history.noteHeard(message.serial)
    this.#announce({ name: message.name, row })
  }

  #takePage(messages: readonly ChannelMessage[]): void {
    const rows = messages.flatMap((message) => this.#take(message) ?? [])
    this.#announce()
    // NOTE: of a flood of cancels the tree keeps few, but a run decides on each
    for (const row of rows) if (row.name === MessageName.cancel) this.hearCancel(row)
  }

  /** Has the open runs decide on a cancel that they may have missed. */
  hearCancel(row: Row): void {
    for (const run of this.runs) run.review({ name: MessageName.cancel, row })
  }

  #announce(heard?: Heard): void {
    // NOTE: output comes most often, and changes no open run
    const isOutput = heard?.name === MessageName.output
    if (!isOutput) for (const run of this.runs) run.review(heard)
    for (const listener of this.#listeners) listener()
    if (!isOutput) this.triggers.sweep()
  }

  /** Applies a message. Returns its row if the message is new to the tree, or changes the row; else undefined. */
  #take(message: ChannelMessage): Row | undefined {
    const row = this.tree.apply(message)
    if (row) this.#note(row, message)
    return row
  }

  #note(row: Row, message: ChannelMessage): void {
    this.archive?.note(row)
    if (!isClients(row.name)) return this.#noteActivity(row, message)
    if (row.name === MessageName.cancel || row.transport[Header.runId] !== undefined) this.#messages.set(row, message)
    this.triggers.add(row)
  }

  /** Refusals of cancels do not count: an agent publishes them also for a run whose own agent has died. */
  #noteActivity({ name, transport }: Row, { version, timestamp = 0 }: ChannelMessage): void {
    if (name === MessageName.cancelRefused) return
    const runId = transport[Header.runId] ?? ''
    this.#activity.set(runId, Math.max(this.lastActivity(runId), version?.timestamp ?? timestamp))
  }

  /** When the newest message of a run was published, in milliseconds since the epoch by Ably's clock. */
  lastActivity(runId: string): number {
    return this.#activity.get(runId) ?? 0
  }

  /** Reads which runs present agents name as live; undefined when presence cannot be read. */
  runsInPresence(): Promise<ReadonlySet<string> | undefined> {
    return this.ably.runPresence.read(this.isAgent)
  }

  /** Resolves when the rows of a run that has ended or waits are in the archive, or could not be written. */
  async archived(runId: string): Promise<void> {
    if (!this.archive) return
    const look = (): true | undefined => {
      this.tree.settle()
      const run = this.tree.runs.get(runId)
      return run?.state.status === 'active' || run?.rows.some(isOpen) ? undefined : true
    }
    // NOTE: rows are written as the channel has them, so their echo is awaited; the end of a run overtakes its last
    // text
    if (this.ably.hearsItself && !(await waitFor(this, { look, timeout: echoLimit }))) this.tree.endOverdue()
    await this.archive.flush()
  }

  readonly #react = ({ state, resumed, reason }: ChannelChange): void => {
    this.#settle?.()
    // NOTE: the SDK attaches such a channel never again, so the next run does
    if (state === 'failed' || state === 'detached') this.#connecting = undefined
    // NOTE: the SDK publishes while it attaches, before it has heard the missed messages
    if (state === 'attaching') this.pacer.hold(new Promise<void>((resolve) => (this.#settle = resolve)))
    if (this.#isClosed || state === 'attaching') return
    if (state !== 'attached') this.report(lost(this.name, `the channel is ${state}`, reason))
    else this.pacer.hold(resumed ? this.uplink.confirm() : this.#catchUp())
  }

  /** Reads the messages missed while the connection was lost, cancels included. Runs continue meanwhile. */
  async #catchUp(): Promise<void> {
    this.tree.settle()
    const since = this.tree.resumePoint()
    this.history.restart()
    try {
      await this.history.readUntil(() => this.#isClosed || this.history.covers(since), maxCatchUpMessages)
    } catch (cause) {
      this.report(lost(this.name, reasonOf(cause), cause))
    }
  }
}

/** The archive keeps rows as the channel has them, so an agent must hear its own. */
const deaf = (): SessionError =>
  unableTo(
    'use an archive',
    'the client of the agent does not hear its own messages (remove "echoMessages: false" from its options)',
    ErrorCode.ArchiveFailed,
  )

const lost = (name: string, reason: string, cause: unknown): SessionError =>
  unableTo(`hear every message of session "${name}"`, reason, ErrorCode.ContinuityLost, { cause })
