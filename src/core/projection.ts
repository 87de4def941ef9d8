import type { Codec, Draft, Fold } from './codec'
import { noItems, SmallMap, isPlainObject, reuseIfEqual, type PlainObject } from './collections'
import type { Row } from './rows'
import { plainPort, type ReactivePort } from './signals'
import { Header } from './wire'

const none: ReadonlyMap<string, string> = new Map()

/** What a projection needs to fold further rows. */
interface Folding {
  readonly fold: Fold
  /** The rows that it is made from, and how many of them are folded. */
  content: readonly Row[]
  count: number
  /** The row that is being folded. */
  row: Row | undefined
  /** Messages and parts of a re-projection that live on in older objects. */
  readonly moved: WeakMap<object, object> | undefined
}

/** What the nodes of a tree share. */
export interface NodeContext<M extends object> {
  readonly codec: Codec<M>
  readonly port: ReactivePort
}

/** Decides what of a row counts. */
interface ContentReader {
  /** The row as it is folded; undefined if it does not count. */
  read(row: Row): Row | undefined
}

/** The messages of one node, by their ids: the fold of its rows in serial order. */
export class Projection<M extends object> extends SmallMap<M> implements Draft<M> {
  /** Message ids in order of first mention; the same list while messages are only added at its end. */
  // NOTE: a field and no getter, because a load reads it ten times for each node
  ids: readonly string[] = []
  #folding: Folding | undefined
  /** Whether a view shows these messages, so that writes must be seen. */
  #observed = false
  #seeds: Map<string, string> | undefined

  constructor(readonly context: NodeContext<M>) {
    super()
  }

  /** Ids of messages that a row of another one brought along, with the serial of that row. */
  get seeds(): ReadonlyMap<string, string> {
    return this.#seeds ?? none
  }

  /** One of the messages, for a reader that is told of its changes from now on. */
  observe(message: M): M {
    this.#observed = true
    return this.context.port.observe(message)
  }

  /**
   * Keeps the messages alone, in little room, because no more rows are expected: with a further row all are folded
   * again.
   */
  settle(): void {
    this.#folding = undefined
    if (!this.#observed) for (const id of this.ids) trim(this.get(id)!)
  }

  /** Whether a row that is folded is not at its place in these rows any more. */
  differsFrom(content: readonly Row[]): boolean {
    const folded = this.#folding?.content ?? noItems
    return content !== folded && folded.some((row, index) => row !== content[index])
  }

  /** Folds the rows that have come behind the others. */
  fold(content: readonly Row[], reader: ContentReader): void {
    const folding = (this.#folding ??= this.#begin())
    folding.content = content
    while (folding.count < content.length) {
      const row = (folding.row = reader.read(content[folding.count++]!))
      if (row) row.part = folding.fold(row)
    }
  }

  #begin(moved?: Folding['moved']): Folding {
    return { fold: this.context.codec.fold(this), content: noItems, count: 0, row: undefined, moved }
  }

  /** Follows a row that got longer. Costs the same however long the node and the conversation are. */
  grow(row: Row): void {
    const { part } = row
    if (!part) return
    const { codec } = this.context
    const port = this.#observed ? this.context.port : plainPort
    codec.grow(port.observe(part), row, this.opaque, port.write)
  }

  /** Folds all rows afresh, keeping the objects that views already hold. */
  rebuild(content: readonly Row[], reader: ContentReader): void {
    // NOTE: the part of a superseded attempt's row can become the part of another row
    for (const row of this.#folding?.content ?? noItems) row.part = undefined
    const heldIds = this.ids
    const held = new Map(heldIds.map((id) => [id, this.get(id)]))
    for (const id of heldIds) this.delete(id)
    this.ids = []
    this.#seeds = undefined
    const moved = new WeakMap<object, object>()
    this.#folding = this.#begin(moved)
    const observed = this.#observed
    this.#observed = false
    this.fold(content, reader)
    this.#observed = observed
    for (const id of this.ids) {
      const message = this.get(id)!
      const old = held.get(id)
      if (!old) continue
      patch(observed ? this.context.port.observe(old) : old, message, moved)
      // A row may feed a message itself
      moved.set(message, old)
      this.set(id, old)
    }
    for (const row of content) if (row.part) row.part = moved.get(row.part) ?? row.part
    this.ids = reuseIfEqual(heldIds, this.ids)
  }

  live<T extends object>(value: T): T {
    const kept = (this.#folding?.moved?.get(value) ?? value) as T
    return this.#observed ? this.context.port.observe(kept) : kept
  }

  #noteSeed(id: string): void {
    const row = this.#folding?.row
    if (row && row.transport[Header.messageId] !== id) (this.#seeds ??= new Map()).set(id, row.serial)
  }

  find(id: string): M | undefined {
    const message = this.get(id)
    return message && this.live(message)
  }

  message(id: string, role: string): M {
    const known = this.get(id)
    if (known) return this.live(known)
    const made = this.context.codec.create(id, role)
    this.set(id, made)
    // NOTE: a list that is pushed to keeps room for many more
    if (this.ids.length === 0) this.ids = [id]
    else (this.ids as string[]).push(id)
    this.#noteSeed(id)
    return this.live(made)
  }

  get opaque(): ReactivePort['opaque'] {
    return this.context.port.opaque
  }
}

// NOTE: a list that was pushed to keeps room for more, which is several times what most parts need
function trim(message: object): void {
  const fields = message as PlainObject
  for (const key in fields) {
    const value = fields[key]
    if (Array.isArray(value)) fields[key] = value.slice()
  }
}

/**
 * Makes `target` equal to `source` in place: a message's own fields, and the fields of the objects in its arrays (its
 * parts). What is equal is not touched, so observers of it are not woken. `moved` learns which part of `source` lives
 * on as which part of `target`.
 */
function patch(target: object, source: object, moved: WeakMap<object, object>): void {
  assign(target as PlainObject, source as PlainObject, (held, next) => {
    if (!Array.isArray(held) || !Array.isArray(next)) return false
    patchList(held, next, moved)
    return true
  })
}

function patchList(held: unknown[], next: unknown[], moved: WeakMap<object, object>): void {
  if (held.length > next.length) held.length = next.length
  next.forEach((part: unknown, index) => {
    const old = held[index]
    if (isPlainObject(old) && isPlainObject(part)) {
      assign(old, part, () => false)
      moved.set(part, old)
    } else if (old !== part) {
      held[index] = part
    }
  })
}

function assign(target: PlainObject, source: PlainObject, nested: (held: unknown, next: unknown) => boolean): void {
  for (const key of Object.keys(target)) if (!Object.hasOwn(source, key)) delete target[key]
  for (const key of Object.keys(source)) {
    if (target[key] !== source[key] && !nested(target[key], source[key])) target[key] = source[key]
  }
}
