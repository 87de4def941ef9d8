import type { Codec } from './codec'
import type { Row, RowHome } from './log'
import type { ReactivePort } from './port'
import { Projection } from './projection'
import { insertBySerial, removeBySerial } from './sorted'
import type { MessageState, SteerState, ViewMessage } from './view-message'
import { Header } from './wire'

/** A prompt (input) or a reply (run) in the tree. */
export abstract class TreeNode<M extends object> implements RowHome {
  /** Content rows in serial order. */
  protected rows: Row[] = []
  protected readonly projection: Projection<M>
  #shown: Map<string, ViewMessage<M>> | undefined
  /** How many of the rows the projection holds, unless it is stale. */
  #foldedCount = 0
  /** Whether the projection has to be made anew. */
  protected stale = false
  /** Whether rows came that nobody expected any more; others are likely to follow, so folding stays at hand. */
  #hasLateRows = false
  /** Message id this node follows; undefined at the root. */
  parent: string | undefined
  /** Position among all nodes; optimistic prompts come last. */
  sort = ''
  #place: Place = nowhere

  constructor(
    readonly key: string,
    codec: Codec<M>,
    private readonly port: ReactivePort,
  ) {
    this.projection = new Projection(codec, port)
  }

  /** Takes a content row; `settle` folds it, behind the others if that is its place. */
  add(row: Row): void {
    row.home = this
    const last = this.rows.at(-1)
    const isLast = !last || row.serial >= last.serial
    if (isLast && this.projection.isResting) this.#hasLateRows = true
    if (!isLast || this.projection.isResting) this.stale = true
    insertBySerial(this.rows, row)
  }

  /** Gives up a content row: it was deleted, says something else, or belongs to another node. */
  remove(row: Row): void {
    removeBySerial(this.rows, row)
    row.part = undefined
    this.stale = true
  }

  grow(row: Row): void {
    if (!this.stale) this.projection.grow(row)
  }

  /** Brings projection and derived facts in step with the rows; true when lists that show this node have to change. */
  settle(): boolean {
    this.#fold()
    this.derive()
    this.#showState()
    if (this.isComplete && !this.#hasLateRows) this.rest()
    return this.#hasMoved()
  }

  #fold(): void {
    if (this.stale) this.#foldAfresh()
    else for (const row of this.#readFrom(this.#foldedCount)) this.projection.add(row)
    this.stale = false
    this.#foldedCount = this.rows.length
  }

  #foldAfresh(): void {
    // NOTE: what a row of a dead attempt fed may live on as the part of another row
    for (const row of this.rows) row.part = undefined
    this.projection.rebuild(this.content())
  }

  #hasMoved(): boolean {
    const { visible, size, sort, parent } = this
    const last = this.#place
    if (last.visible === visible && last.size === size && last.sort === sort && last.parent === parent) return false
    this.#place = { visible, size, sort, parent }
    return true
  }

  /** Lets go of what is needed only while rows keep coming; one that comes all the same is read with all others. */
  protected rest(): void {
    this.projection.rest()
    this.rows = this.rows.slice()
  }

  #showState(): void {
    if (!this.#shown) return
    const error = this.error()
    for (const [id, shown] of this.#shown) {
      if (!this.projection.message(id)) this.#shown.delete(id)
      else update(shown, this.messageState(id), error, this.steerState(id))
    }
  }

  /** How many messages it has. */
  get size(): number {
    return this.projection.size
  }

  messageIds(): IterableIterator<string> {
    return this.projection.ids()
  }

  /** The plain message, unobserved. */
  message(id: string): M | undefined {
    return this.projection.message(id)
  }

  viewMessage(id: string): ViewMessage<M> {
    const known = this.#shown?.get(id)
    if (known) return known
    const { runId } = this
    const error = this.error()
    const steer = this.steerState(id)
    const shown = this.port.observe<ViewMessage<M>>({
      id,
      message: this.projection.shown(id),
      state: this.messageState(id),
      ...(runId !== undefined && { runId }),
      ...(steer && { steer }),
      ...(error && { error }),
    })
    this.#shown ??= new Map()
    this.#shown.set(id, shown)
    return shown
  }

  /** The lowest serial that mentions a message id; undefined when none does. */
  serialOf(messageId: string): string | undefined {
    const named = this.rows.find((row) => row.transport[Header.messageId] === messageId)?.serial
    const seeded = this.seeds.get(messageId)
    return named !== undefined && seeded !== undefined && seeded < named ? seeded : (named ?? seeded)
  }

  /** Ids of messages that came along with a row of another one, with the serial of that row. */
  get seeds(): ReadonlyMap<string, string> {
    return this.projection.seeds
  }

  /** Rows to project, in order. */
  protected content(): readonly Row[] {
    return this.#readFrom(0)
  }

  #readFrom(index: number): readonly Row[] {
    return this.rows.slice(index).flatMap((row) => this.read(row) ?? [])
  }

  /** What is to be projected of a row. */
  protected read(row: Row): Row | undefined {
    return row
  }

  protected steerState(_id: string): SteerState | undefined {
    return undefined
  }

  readonly runId?: string
  /** Whose it is, verified by Ably; undefined while that is not known, and for clients without an identity. */
  abstract get owner(): string | undefined
  abstract get visible(): boolean
  /** Whether no more content is to be expected. */
  protected abstract get isComplete(): boolean
  protected abstract derive(): void
  protected abstract messageState(id: string): MessageState
  protected abstract error(): ViewMessage<M>['error']
}

/** What lists depend on. */
interface Place {
  visible: boolean
  size: number
  sort: string
  parent: string | undefined
}

const nowhere: Place = { visible: false, size: 0, sort: '', parent: undefined }

type Writable<T> = { -readonly [K in keyof T]: T[K] }

function update<M>(
  shown: Writable<ViewMessage<M>>,
  state: MessageState,
  error: ViewMessage<M>['error'],
  steer: SteerState | undefined,
): void {
  if (shown.state !== state) shown.state = state
  if (shown.error !== error) shown.error = error
  if (shown.steer !== steer) shown.steer = steer
}

/** Orders nodes by their place in the channel; prompts the channel does not have yet come last. */
export function bySort(a: TreeNode<object>, b: TreeNode<object>): number {
  const left = a.sort || '\uffff'
  const right = b.sort || '\uffff'
  return left < right ? -1 : left > right ? 1 : 0
}
