import type { RealtimeClient, RestClient } from 'ably'
import type { ArchiveTarget } from '../ably/archived-history'
import type { Outbox } from '../ably/outbox'
import type { Channel } from '../ably/session-channel'
import type { TrustOptions } from '../core/access'
import type { Codec } from '../core/codec'
import { ErrorCode, unableTo, type SessionError } from '../core/errors'
import type { Subject } from '../core/nodes'
import type { RunNode } from '../core/run-node'
import type { ReactivePort, Signal } from '../core/signals'
import type { SessionRows } from '../core/rows'
import type { Settled, Tree } from '../core/tree'
import type { ChannelMessage } from '../core/wire'
import type { Deadlines, FlushMode, Waits } from './scheduling'

/** The rows of one session at one moment, from which a page goes on: JSON-safe. */
export interface DehydratedSession extends SessionRows {
  /** The full channel name. */
  readonly session: string
  /** Whether the channel may hold messages older than these rows. */
  readonly hasOlder: boolean
  /** How many messages the session's own view showed. */
  readonly shown: number
  /** The keys of the versions that were picked in that view, in the order of the picks. */
  readonly picked?: readonly string[]
  /** Those of them that were the newest. */
  readonly following?: readonly string[]
}

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

export interface ClientSessionOptions<M extends object> extends TrustOptions {
  /** An Ably client; the session never closes it. Without one the session stays idle, as on a server. */
  client?: RealtimeClient
  /** The full name of the session's channel, namespace included. */
  sessionName: string
  codec: Codec<M>
  /** The agent to wake after each prompt; without it the app wakes the agent itself (`run.toInvocation()`). */
  agent?: AgentTarget
  /**
   * A label of this device for the cancels and prompts it sends, such as `Phone`: others see which device stopped a
   * run.
   */
  device?: string
  /** Messages per page of history, 1 to 1000. @default 100 */
  historyPageSize?: number
  /**
   * Rows that Ably keeps no longer: the URL of an `archiveRoute`, or an archive in this process. History goes on there
   * where Ably's ends.
   */
  archive?: ArchiveTarget
  /** Rows of `dehydrateSession()`: they show at once, and the session catches up from there. */
  rows?: DehydratedSession
  /** When gathered tokens reach the views. @default 'frame' */
  flush?: FlushMode
  /** How state is made observable. @internal */
  port?: ReactivePort
  /** Reads history without a client, on a server. @internal */
  rest?: () => Pick<RestClient, 'channels'>
  /** Called before the channel is attached. @internal */
  prepare?: () => Promise<void>
}

/**
 * - `idle`: not connected: not yet, on a server, or because the connection was closed
 * - `connecting`: attaching for the first time
 * - `ready`: in step with the channel
 * - `reconnecting`: the network is away; runs go on without this client
 * - `repairing`: back, reading the messages that were missed
 * - `gap`: back, but history no longer reaches the missed messages; the loaded messages stay
 * - `failed`: the channel refused; `error` has the reason
 * - `closed`
 */
export type SessionStatus = 'idle' | 'connecting' | 'ready' | 'reconnecting' | 'repairing' | 'gap' | 'failed' | 'closed'

export interface SessionEvents {
  status: SessionStatus
  /**
   * A background failure, for which no caller waits. A run that ends with an error is not one: `run.error` and the
   * view's `run` event tell about that.
   */
  error: SessionError
}

/** The changes since the last refresh of the views. */
export interface Changes<M extends object> extends Settled<M> {
  /** Whether older messages were loaded, so that all is to be listed anew. */
  isLoaded?: boolean
  /** Whether runs or pending inputs look different. */
  runs: boolean
  /** Runs that the tree or a part of the session has changed. */
  touched: readonly RunNode<M>[]
  /** Subjects with another pending input than before. */
  pending: ReadonlySet<Subject<M>>
}

/** A view as its session knows it. */
export interface SessionView<M extends object> {
  refresh(changes: Changes<M>): void
  /** Keeps a page of older messages hidden until it is asked for. */
  takePage(page: Settled<M>): void
  close(): void
}

/** The session as its parts know it. */
export interface SessionContext<M extends object> {
  readonly options: ClientSessionOptions<M>
  readonly channel: Channel
  readonly tree: Tree<M>
  readonly port: ReactivePort
  readonly outbox: Outbox
  readonly deadlines: Deadlines<Subject<M>>
  readonly waits: Waits
  /** Tracks reads of runs, siblings and history, on every branch. */
  readonly changed: Signal
  /** Whether the session hears everything that happens on the channel. */
  readonly isInStep: boolean
  /** Whether it is reading the messages that it has missed. */
  readonly isCatchingUp: boolean
  /**
   * Whether an agent is late: a moment has passed, and the session has heard all until now. If not, it looks at the
   * subject then.
   */
  isLate(subject: Subject<M>, moment: number): boolean
  /** @throws SessionError when the session is closed, or has no client. */
  checkOpen(action: string): void
  /** Runs a verb. Its changes reach each view in one refresh, when the outermost verb returns. */
  act<T>(verb: () => T): T
  /**
   * Settles the tree and refreshes every view once, without waiting for the next frame.
   *
   * @param isLoaded - whether to list everything anew: once for all pages of a load
   */
  refresh(isLoaded?: boolean): void
  /** Notes a change that is in no row; the next refresh shows it. */
  touch(subject: Subject<M>): void
  /** Reports a background failure, for which no caller waits. */
  report(error: SessionError): void
  /** Hears a live message, or holds it back while a repair is running. */
  readonly hear: (message: ChannelMessage) => void
  /** Takes in a page of older messages by calling `fold`. Views keep them hidden until they are asked for. */
  takePage(fold: () => void): void
  statusChanged(status: SessionStatus): void
}

export const closedError = (action: string): SessionError => unableTo(action, 'the session is closed', ErrorCode.Closed)
