import type { RealtimeChannel } from 'ably'
import { packRows, tuplesOf } from '../core/rows'
import type { SessionError } from '../core/errors'
import type { RunInfo, WakeInfo } from '../core/run-info'
import type { CancelTarget } from './cancellations'
import type { ClientSessionOptions, DehydratedSession, SessionEvents, SessionStatus } from './context'
import type { SendInput } from './placed-input'
import { SessionTree, steer, type Steer } from './runs'
import { Session } from './session'
import type { RunScope } from './submission'
import { View } from './view'

/** One conversation on one channel. It lives on the channel: pages, devices and agents come and go. */
export class ClientSession<M extends object> {
  /** The session's default view. */
  readonly view: View<M>
  /** All runs and messages, on every branch. */
  readonly tree: SessionTree<M>
  readonly #session: Session<M>

  constructor(options: ClientSessionOptions<M>) {
    const session = (this.#session = new Session(options))
    this.tree = new SessionTree(session)
    this.view = this.createView()
    session.port.opaque(this)
    if (options.rows) this.resume(options.rows)
  }

  /** The full channel name. */
  get sessionName(): string {
    return this.#session.channel.name
  }

  /** The full channel name, in Ably's term; an alias of `sessionName`. */
  get channelName(): string {
    return this.#session.channel.name
  }

  get status(): SessionStatus {
    return this.#session.status
  }

  /** The last background failure; undefined once the session has recovered. */
  get error(): SessionError | undefined {
    return this.#session.error
  }

  /** Ably presence of the session's channel. @throws SessionError 104007 without a client, as on a server. */
  get presence(): RealtimeChannel['presence'] {
    return this.#session.channel.presence
  }

  /**
   * Attaches to the channel; resolves when live messages arrive, which is later while the network is away. Tries again
   * after the channel was refused, or history could not be read. Needed only once: a session then stays on its channel
   * by itself as far as it can.
   * @throws SessionError 104001 when the channel cannot be attached, 104004 when the session is closed.
   */
  connect(): Promise<void> {
    return this.#session.connect()
  }

  /**
   * A further view with a branch and a window of its own. Close it when done. On the session of `useClientSession` the
   * view follows a name that changes, to a new view of the other session, and a component that makes it in `setup`
   * closes it.
   */
  createView(): View<M> {
    return new View(this.#session, this.tree)
  }

  /** Runs that have started: those of a view's branch, those of this client, or all. */
  runs(scope: RunScope = 'view'): readonly RunInfo[] {
    return this.view.runs(scope)
  }

  /**
   * Cancels a run, or, by its message id, an input without a run. Resolves when the channel has the request.
   * @throws SessionError 40003 for an empty id, 104005 when it could not be published.
   */
  cancel(target: CancelTarget): Promise<void> {
    return this.#session.cancel(target)
  }

  /**
   * Wakes the agent for a pending input of any client; again if that was tried before. The input is answered once,
   * however often the agent is woken.
   * @throws SessionError 40003 when nothing is pending under this message id, or the session has no agent.
   */
  wake(inputId: string): WakeInfo {
    return this.#session.wake(inputId)
  }

  /** Sends a message into a run while it is active. A failure rejects the promises of the returned steer. */
  steer(runId: string, given: SendInput<M>): Steer {
    return steer(this.#session, runId, given)
  }

  /** Cancels every run that is active, about to start, or suspended. */
  cancelAll(options?: { scope?: RunScope } | Event): Promise<void> {
    return this.view.cancelAll(options)
  }

  /** Calls the listener on changes of status and on background failures; returns a function that removes it. */
  on<K extends keyof SessionEvents>(name: K, listener: (event: SessionEvents[K]) => void): () => void {
    return this.#session.emitter.on(name, listener)
  }

  /** Leaves the channel. Cancels no run; `cancel` does that. */
  close(): Promise<void> {
    return this.#session.close()
  }

  /** The inside, for the functions of this library that take a session. @internal */
  get internals(): Session<M> {
    return this.#session
  }

  /** Shows what a dehydrated session has shown. @internal */
  resume(rows: DehydratedSession): void {
    if (!this.#session.catchUp.resume(rows)) return
    this.view.branches.resume(rows)
    this.view.show(rows.shown)
  }
}

/**
 * Everything that is loaded of a session, as one JSON-safe value: for the first HTML of a page, a cached page, or
 * storage. Given as the option `rows`, it shows what this session's view shows, at once, with branches, runs and
 * states; the new session then catches up from there. Prompts that the channel has not accepted yet are not part of it.
 *
 * @example
 * const rows = dehydrateSession(session)
 * const same = createClientSession({ client, sessionName: 'trip', codec: UIMessageCodec, rows })
 */
export function dehydrateSession<M extends object>(session: ClientSession<M>): DehydratedSession {
  const { tree, catchUp, channel } = session.internals
  const rows = packRows(tuplesOf(tree.log.rows()), catchUp.resumePoint)
  const { view } = session
  const shown = view.getMessages().length
  return { ...rows, session: channel.name, hasOlder: catchUp.hasOlder, shown, ...view.branches.dehydrate() }
}
