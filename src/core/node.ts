import type { Codec } from './codec'
import { compare, insertBySerial, noItems, removeBySerial } from './collections'
import { isContent, type Log } from './log'
import { unsent, type Row, type RowHome } from './row'
import type { ReactivePort } from './signals'
import { Projection } from './projection'
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
  /** The content that the projection was made from, and how much of it, unless it is stale. */
  #folded: readonly Row[] = noItems
  #foldedCount = 0
  /** Messages that rows name, but that no row has content for. */
  #emptyIds: Set<string> | undefined
  /** Messages that rows have named since it was settled. */
  #namedIds: string[] | undefined
  /** Whether the projection has to be made anew. */
  protected stale = false
  /** Whether rows arrived after it was sealed; more are likely to follow, so it stays unsealed. */
  #hasLateRows = false
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
    codec: Codec<M>,
    port: ReactivePort,
  ) {
    this.projection = new Projection(codec, port)
  }

  /** Every row that belongs to it, except cancels, in serial order; not to be changed. */
  get rows(): readonly Row[] {
    this.#compact?.form.log.expand(this.#compact)
    return this.#rows
  }

  /** The same; those that the log keeps in little room stay there. */
  protected get knownRows(): readonly Row[] {
    return this.#compact ? rowsOf(this.#compact) : this.#rows
  }

  /** Whether the log keeps its rows in little room. */
  protected get isCompact(): boolean {
    return this.#compact !== undefined
  }

  get isEmpty(): boolean {
    return !this.#compact && this.#rows.length === 0
  }

  /**
   * Takes a row; `settle` folds its content, behind the others if that is its place. Returns whether the row can be the first
   * that names its message.
   */
  add(row: Row): boolean {
    row.home = this
    this.#rows = insertBySerial(this.rows, row)
    if (!isContent(row)) return false
    const isLast = this.#rows.at(-1) === row || this.#rows.findLast(isContent) === row
    const { isSealed } = this.projection
    if (isLast && isSealed) this.#hasLateRows = true
    if (!isLast || isSealed) this.stale = true
    const id = row.transport[Header.messageId]
    // NOTE: a stale node can have lost the row that named the message
    const isKnown = id === undefined || (!this.stale && id === this.#namedIds?.at(-1))
    if (!isKnown) (this.#namedIds ??= []).push(id)
    return !isKnown || !isLast
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

  /** Brings projection and derived facts in step with the rows; returns the change for lists that show this node. */
  settle(): NodeChange {
    // NOTE: a cancel names a node, but changes none of its rows
    if (this.isCompact && !this.stale) return 'none'
    return this.isAppendOnly && !this.stale ? this.#goOn() : this.#settleAll()
  }

  #goOn(): NodeChange {
    const { size } = this
    if (this.projection.isSealed) return 'none'
    this.#foldFurther()
    return this.size === size ? 'none' : 'moved'
  }

  #settleAll(): NodeChange {
    const { visible, size, serial, parent, replacesId, ids } = this
    const restated = this.derive()
    this.#checkContent()
    const { stale } = this
    if (stale) this.#foldAfresh()
    else this.#foldFurther()
    this.#shown?.restate(this, stale ? undefined : restated)
    if (this.isComplete && !this.#hasLateRows) this.seal()
    const isSameParent = parent === this.parent
    if (!visible) return this.visible || !isSameParent ? 'moved' : 'none'
    if (!isSameParent || replacesId !== this.replacesId) return 'rearranged'
    if (!this.visible) return 'moved'
    // NOTE: only folding afresh puts messages before others
    if (this.size < size || !startsWith(this.ids, ids)) return 'rearranged'
    return this.size === size && this.serial === serial ? 'none' : 'moved'
  }

  /** Marks the projection as stale when one of its rows no longer counts, or when a row between them begins to count. */
  #checkContent(): void {
    const { content } = this
    if (content !== this.#folded && this.#folded.some((row, index) => row !== content[index])) this.stale = true
  }

  #foldFurther(): void {
    const content = (this.#folded = this.content)
    while (this.#foldedCount < content.length) {
      const row = this.read(content[this.#foldedCount++]!)
      if (row) this.projection.add(row)
    }
    this.#noteMentions(this.#namedIds)
  }

  #foldAfresh(): void {
    const { ids } = this
    this.stale = false
    // NOTE: the part of a superseded attempt's row can become the part of another row
    for (const row of this.#folded) row.part = undefined
    const content = (this.#folded = this.content)
    this.#foldedCount = content.length
    this.projection.rebuild(content.map((row) => this.read(row)).filter((row) => row !== undefined))
    this.#noteMentions([...ids, ...(this.#namedIds ?? noItems)])
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

  /** Frees the state that only further rows need; a later row is folded together with all others. */
  protected seal(): void {
    this.projection.seal()
  }

  /**
   * Lets the log keep the rows in little room when no more is to be expected of them. They come back when they are asked for, and
   * are then folded afresh.
   */
  compact(log: Log): void {
    const rows = this.#rows
    if (this.stale || !this.projection.isSealed || rows.length === 0) return
    // NOTE: spaces and commas part compact serials
    if (rows.some(({ partial, pieces, serial, version }) => partial || pieces || /[ ,]/.test(serial + version))) return
    this.projection.trim()
    this.release()
    this.#compact = log.compact(rows, this)
  }

  /** Lets go of the rows, because the log keeps them. */
  protected release(): void {
    this.#rows = this.#folded = noItems
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
    return this.projection.size
  }

  /** The ids of its messages in order; the same list while it only grows. */
  get ids(): readonly string[] {
    return this.projection.ids
  }

  /** The plain message, unobserved. */
  message(id: string): M | undefined {
    return this.projection.get(id)
  }

  viewMessage(id: string): ViewMessage<M> {
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

  /** The row as it is projected; undefined if it does not count. */
  protected read(row: Row): Row | undefined {
    return row
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
  protected abstract get replacesId(): string | undefined
  /** Its owner, verified by Ably; undefined while the owner is unknown, and for clients without an identity. */
  abstract get owner(): string | undefined
  abstract get visible(): boolean
  /** Whether nothing but messages follows from the rows that came since it was settled. */
  protected get isAppendOnly(): boolean {
    return false
  }
  /** Whether no more content is to be expected. */
  protected abstract get isComplete(): boolean
  /**
   * Derives its facts from its rows. Returns the messages whose state can be another one since the last call; undefined when
   * that is true of all.
   */
  protected abstract derive(): readonly string[] | undefined
  protected abstract messageState(id: string): MessageState
  protected abstract error(): ViewMessage<M>['error']
}

const naming =
  (id: string) =>
  (row: Row): boolean =>
    row.transport[Header.messageId] === id && isContent(row)

/** Whether a node can have another place on a branch (`moved`), or other nodes because of it (`rearranged`). */
type NodeChange = 'none' | 'moved' | 'rearranged'

const startsWith = (ids: readonly string[], begin: readonly string[]): boolean =>
  ids === begin || begin.every((id, index) => id === ids[index])

/** Orders nodes by their place in the channel; prompts the channel does not have yet come last. */
export const byLevel = (a: TreeNode<object>, b: TreeNode<object>): number => compare(levelOf(a), levelOf(b))

/** Where a node stands among all nodes: its serial, or above all serials. No two nodes have the same. */
export const levelOf = ({ serial, unsentLevel = unsent }: TreeNode<object>): string => serial || unsentLevel
