import { compare, insertBySerial, noItems, removeBySerial } from './collections'
import { isContent, type Log } from './log'
import { type Row, type RowHome, unsent } from './rows'
import { Projection, type NodeContext } from './projection'
import { rowsOf, type CompactRows } from './compact-rows'
import { ShownMessages, type MessageState, type MessageStatus, type SteerState, type ViewMessage } from './view-message'
import { Header } from './wire'

/** A prompt (input) or a reply (run) in the tree. */
export abstract class TreeNode<M extends object> implements RowHome {
  #rows: readonly Row[] = noItems
  /** Its rows while the log keeps them in little room. */
  #compact: CompactRows | undefined
  readonly projection: Projection<M>
  #shown: ShownMessages<M> | undefined
  /** Messages that rows name, but that no row has content for. */
  #emptyIds: Set<string> | undefined
  /** Messages that rows have named since it was settled. */
  #namedIds: string[] | undefined
  /** Whether the projection has to be made anew. */
  protected stale = false
  /** Message id this node follows; undefined at the root. */
  parent: string | undefined
  /** The serial by which it is listed; empty for an optimistic prompt. */
  serial = ''
  /** The level at which the tree lists it; undefined until it is listed. */
  listedAt: string | undefined
  /** Whether the tree has dropped it. */
  isGone = false

  constructor(
    readonly key: string,
    context: NodeContext<M>,
  ) {
    this.projection = new Projection(context)
  }

  /** Every row that belongs to it, except cancels, in serial order; not to be changed. */
  get rows(): readonly Row[] {
    this.#compact?.form.log.expand(this.#compact)
    return this.#rows
  }

  /** Whether the log keeps its rows in little room. */
  protected get isCompact(): boolean {
    return this.#compact !== undefined
  }

  /** The same rows, if the log keeps them in little room: they stay there. */
  protected get compactRows(): readonly Row[] | undefined {
    return this.#compact && rowsOf(this.#compact)
  }

  get isEmpty(): boolean {
    return !this.#compact && this.#rows.length === 0
  }

  /**
   * Takes a row; `settle` folds its content, behind the others if that is its place. Returns the message that it names,
   * unless the row before has just named it.
   */
  add(row: Row): string | undefined {
    row.home = this
    this.#rows = insertBySerial(this.rows, row)
    if (!isContent(row)) return undefined
    const isLast = this.#rows.at(-1) === row
    if (!isLast && this.#rows.findLast(isContent) !== row) this.stale = true
    const id = row.transport[Header.messageId]
    // NOTE: a stale node can have lost the row that named the message
    if (id === undefined || (isLast && !this.stale && id === this.#namedIds?.at(-1))) return undefined
    // NOTE: most nodes have one message, and a list that is pushed to has room for many
    if (this.#namedIds) this.#namedIds.push(id)
    else this.#namedIds = [id]
    return id
  }

  /** Gives up a row: it was deleted, says something else, or belongs to another node. */
  remove(row: Row): void {
    removeBySerial(this.rows, row)
    row.part = undefined
    this.stale = true
    const id = row.transport[Header.messageId]
    if (id !== undefined && !this.#names(id)) this.#emptyIds?.delete(id)
  }

  #names(id: string): boolean {
    return this.#rows.findLast(naming(id)) !== undefined
  }

  /** Takes this text for its parent, of several that are equal. */
  follow(parent: string): void {
    this.parent = parent
  }

  /** Follows a row that got longer; false when the node has to be settled for that. */
  grow(row: Row): boolean {
    if (!this.stale) this.projection.grow(row)
    return !this.stale
  }

  /**
   * Brings projection and derived facts in step with the rows; returns whether it can have another place on a branch.
   */
  settle(): boolean {
    // NOTE: a cancel names a node, but changes none of its rows
    if (this.isCompact && !this.stale) return false
    return this.isAppendOnly && !this.stale ? this.#goOn() : this.#settleAll()
  }

  #goOn(): boolean {
    const { size } = this
    this.projection.fold(this.content, this)
    this.#noteMentions(this.#namedIds)
    return this.size !== size
  }

  #settleAll(): boolean {
    const { visible, size, serial, parent, replacesId, ids } = this
    const restated = this.derive()
    const { content } = this
    const isAfresh = this.stale || this.projection.differsFrom(content)
    this.stale = false
    if (isAfresh) this.projection.rebuild(content, this)
    else this.projection.fold(content, this)
    this.#noteMentions(isAfresh ? [...ids, ...(this.#namedIds ?? noItems)] : this.#namedIds)
    this.#shown?.restate(this, isAfresh ? undefined : restated)
    if (parent !== this.parent || visible !== this.visible) return true
    if (!visible) return false
    return replacesId !== this.replacesId || ids !== this.ids || size !== this.size || serial !== this.serial
  }

  /** Notes which of these messages are named by rows, but have no content. */
  #noteMentions(ids: readonly string[] = noItems): void {
    // NOTE: loops like this one run for each node of a page, and walking a list by index is the cheapest way
    for (let at = 0; at < ids.length; at++) {
      const id = ids[at]!
      if (this.projection.get(id)) this.#emptyIds?.delete(id)
      else if (this.#names(id)) (this.#emptyIds ??= new Set()).add(id)
    }
    this.#namedIds = undefined
  }

  /**
   * Lets the log keep the rows in little room when no more is to be expected of them. They come back when they are
   * asked for, and are then folded afresh. Returns the rows that the log has packed.
   */
  compact(log: Log): readonly Row[] {
    const rows = this.#rows
    if (this.stale || rows.length === 0 || !this.isComplete || rows.some(isBulky)) return noItems
    this.projection.settle()
    this.release()
    this.#compact = log.compact(rows, this)
    return rows
  }

  /** Lets go of the rows, because the log keeps them. */
  protected release(): void {
    this.#rows = noItems
  }

  /** Takes the rows back from the log. */
  expand(rows: readonly Row[]): void {
    this.#compact = undefined
    this.#rows = rows
    this.stale = true
  }

  /** How a message stands. */
  statusOf(id: string): MessageStatus {
    return { state: this.messageState(id), steer: this.steerState(id), error: this.error() }
  }

  /** How many messages it has. */
  get size(): number {
    return this.projection.ids.length
  }

  /** The ids of its messages in order; the same list while it only grows. */
  get ids(): readonly string[] {
    return this.projection.ids
  }

  /** The plain message, unobserved. */
  message(id: string): M | undefined {
    return this.projection.get(id)
  }

  /** A message as views show it; undefined when it has no such message. */
  viewMessage(id: string): ViewMessage<M> | undefined {
    return (this.#shown ??= new ShownMessages()).show(id, this)
  }

  /** The lowest serial that mentions a message id; undefined when none does. */
  serialOf(messageId: string): string | undefined {
    const named = this.rows.find(naming(messageId))?.serial
    const seeded = this.seeds.get(messageId)
    return named !== undefined && seeded !== undefined && seeded < named ? seeded : (named ?? seeded)
  }

  /** Ids of messages that came along with a row of another one, with the serial of that row. */
  get seeds(): ReadonlyMap<string, string> {
    return this.projection.seeds
  }

  /** The rows to project, in order; another list when rows of it count no more. */
  protected get content(): readonly Row[] {
    return this.rows
  }

  steerState(_id: string): SteerState | undefined {
    return undefined
  }

  /** The ids of all messages that its rows name. */
  get mentioned(): readonly string[] {
    return this.#emptyIds ? [...this.ids, ...this.#emptyIds] : this.ids
  }

  /** Only on runs that have started. */
  get runId(): string | undefined {
    return undefined
  }
  /** The label of the device that sent it; only on prompts. */
  declare device?: string | undefined
  /** Where it stands while the channel does not have it; only on own prompts. */
  declare unsentLevel?: string
  /** The message that it is another version of. */
  abstract get replacesId(): string | undefined
  /** Its owner, verified by Ably; undefined while the owner is unknown, and for clients without an identity. */
  abstract get owner(): string | undefined
  abstract get visible(): boolean
  /** Whether nothing but messages follows from the rows that came since it was settled. */
  protected get isAppendOnly(): boolean {
    return false
  }
  /** The same, and nobody waits for those messages: it is a run that is being written, as expected. */
  get isGoingOn(): boolean {
    return false
  }
  /** Whether no more content is to be expected. */
  protected abstract get isComplete(): boolean
  /**
   * Derives its facts from its rows. Returns the messages whose state can be another one since the last call; undefined
   * when that is true of all.
   */
  protected abstract derive(): readonly string[] | undefined
  /** The row as it is projected; undefined if it does not count. */
  abstract read(row: Row): Row | undefined
  protected abstract messageState(id: string): MessageState
  protected abstract error(): ViewMessage<M>['error']
}

const naming =
  (id: string) =>
  (row: Row): boolean =>
    row.transport[Header.messageId] === id && isContent(row)

// NOTE: spaces and commas part compact serials
const isBulky = ({ partial, pieces, serial, version }: Row): boolean =>
  partial || pieces !== undefined || /[ ,]/.test(serial) || (version !== serial && /[ ,]/.test(version))

/** Orders nodes by their place in the channel; prompts the channel does not have yet come last. */
export const byLevel = (a: TreeNode<object>, b: TreeNode<object>): number => compare(levelOf(a), levelOf(b))

/** Where a node stands among all nodes: its serial, or above all serials. No two nodes have the same. */
export const levelOf = ({ serial, unsentLevel = unsent }: TreeNode<object>): string => serial || unsentLevel

/** How the structure of a tree has changed. */
export interface Restructured<M extends object> {
  /** Whether nodes or messages were added, removed or moved. */
  structure: boolean
  /** The nodes that can have another place on a branch now. */
  moved: readonly TreeNode<M>[]
}
