import { SmallMap } from './collections'
import type { Signal } from './signals'
import type { Projection } from './projection'

/**
 * The state of a steer: nothing has answered it yet, a part of the reply has used it, or the run ended without using
 * it.
 */
export type SteerState = 'waiting' | 'consumed' | 'missed'

/** `pending`, `failed`, `sent` on prompts; the others on replies. */
export type MessageState = 'pending' | 'failed' | 'sent' | 'streaming' | 'complete' | 'cancelled' | 'error'

/** One message as a view shows it. The object stays the same while its text grows. */
export interface ViewMessage<M> {
  /** The message's key in the session; unlike `message.id` it is unique. */
  readonly id: string
  readonly message: M
  /** The run that wrote it; undefined on prompts. */
  readonly runId?: string
  /** On prompts: the label of the device that sent it, if it has one. */
  readonly device?: string
  readonly state: MessageState
  /** Only on messages that a client sent into a running reply. */
  readonly steer?: SteerState
  /** Why a prompt with state `failed` could not be sent, or a reply with state `error` ended. */
  readonly error?: { readonly code: number; readonly message: string }
}

export type Writable<T> = { -readonly [K in keyof T]: T[K] }

/** The fields of a view message that can change. */
export type MessageStatus = Pick<ViewMessage<never>, 'state' | 'steer' | 'error'>

/**
 * A message as views hand it out. Nothing of it is observed before it is read, and the ids, by which lists are drawn,
 * never are: that keeps a long list cheap.
 */
class ViewMessageProxy<M extends object> implements Writable<ViewMessage<M>> {
  state: MessageState
  // Absent, not undefined, on most messages
  declare runId?: string
  declare device?: string
  declare steer?: ViewMessage<M>['steer']
  declare error?: ViewMessage<M>['error']
  readonly #projection: Projection<M>
  #changed: Signal | undefined

  private constructor(
    projection: Projection<M>,
    readonly id: string,
    readonly message: M,
    { state, steer, error }: MessageStatus,
  ) {
    this.#projection = projection
    this.state = state
    if (steer) this.steer = steer
    if (error) this.error = error
  }

  // NOTE: a proxy and no accessors, so that what an app copies, logs or compares has all fields
  static of<M extends object>(
    projection: Projection<M>,
    id: string,
    message: M,
    status: MessageStatus,
    { runId, device }: Pick<ViewMessage<M>, 'runId' | 'device'> = {},
  ): Writable<ViewMessage<M>> {
    const shown = new ViewMessageProxy(projection, id, message, status)
    if (runId !== undefined) shown.runId = runId
    if (device) shown.device = device
    return new Proxy<ViewMessageProxy<M>>(shown, this.#observed)
  }

  static readonly #observed: ProxyHandler<ViewMessageProxy<object>> = {
    get(shown, key: keyof ViewMessage<object>) {
      if (key === 'id') return shown.id
      if (key === 'message') return shown.#projection.observe(shown.message)
      if (key === 'state' || key === 'steer' || key === 'error') {
        shown.#changed ??= shown.#projection.context.port.signal()
        shown.#changed.track()
      }
      return shown[key]
    },
    set(shown, key, value) {
      const isSet = Reflect.set(shown, key, value)
      shown.#changed?.trigger()
      return isSet
    },
  }
}

/** The node that the shown messages are of. */
interface Source<M extends object> extends Pick<ViewMessage<M>, 'runId' | 'device'> {
  readonly projection: Projection<M>
  statusOf(id: string): MessageStatus
}

/** The messages of one node that views have asked for. */
export class ShownMessages<M extends object> extends SmallMap<Writable<ViewMessage<M>>> {
  show(id: string, node: Source<M>): ViewMessage<M> | undefined {
    const shown = this.get(id)
    if (shown) return shown
    const message = node.projection.get(id)
    if (!message) return undefined
    const made = ViewMessageProxy.of(node.projection, id, message, node.statusOf(id), node)
    this.set(id, made)
    return made
  }

  /**
   * Brings the states of messages up to date.
   *
   * @param ids - messages whose state can be another one; by default all
   */
  restate(node: Source<M>, ids: Iterable<string> = this.keys()): void {
    for (const id of ids) {
      const shown = this.get(id)
      if (!shown) continue
      if (node.projection.get(id)) update(shown, node.statusOf(id))
      else this.delete(id)
    }
  }
}

function update(shown: Writable<ViewMessage<object>>, { state, steer, error }: MessageStatus): void {
  if (shown.state !== state) shown.state = state
  if (shown.error !== error) shown.error = error
  if (shown.steer !== steer) shown.steer = steer
}
