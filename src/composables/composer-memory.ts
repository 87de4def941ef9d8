import { shallowRef, type ShallowRef } from 'vue'
import type { FileUIPart } from 'ai'
import { isPlainObject } from '../core/collections'

/** Where drafts and queues are kept, for example `localStorage`. */
export type ComposerStorage = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>

/** The text and the files of a prompt that is not sent yet. */
export interface Draft {
  readonly text: string
  readonly attachments: readonly FileUIPart[]
}

/** A prompt that waits for its turn. */
export interface QueuedPrompt extends Draft {
  /** Its message id, once it is sent. */
  readonly id: string
}

/** The queue of a session, with the runs and inputs whose end it waits for. */
interface QueueState {
  readonly items: readonly QueuedPrompt[]
  /** Ids of runs and of inputs. */
  readonly awaited: readonly string[]
}

/** The order of a queue, as it is stored. */
interface StoredList {
  readonly ids: readonly string[]
  readonly awaited: readonly string[]
}

const emptyDraft: Draft = { text: '', attachments: [] }
const emptyQueue: QueueState = { items: [], awaited: [] }

/**
 * The draft and the queue of one session, shared by its composers. With a storage they survive a reload, and the tabs
 * of a browser share the queue.
 */
export class ComposerMemory {
  readonly draft: ShallowRef<Draft> = shallowRef(emptyDraft)
  readonly queue: ShallowRef<QueueState> = shallowRef(emptyQueue)
  /** The ids of the queued prompts that are being sent by this tab. */
  readonly sending = shallowRef<readonly string[]>([])
  /** The id of a queued prompt that this tab could not send; it stays in the queue. */
  readonly refused = shallowRef<string>()
  /** Why the storage could not be written; undefined when the last write worked. */
  readonly error = shallowRef<Error>()
  /** Whether a composer that is mounted uses it: until then it is as the server has rendered it. */
  isLive = false
  readonly #key: string
  /** What the storage could not take. */
  readonly #unkept = new Set<string>()
  #storage: ComposerStorage | undefined

  /** @param sessionName - The full channel name. */
  constructor(sessionName: string) {
    this.#key = `vue-ai-transport:${sessionName}:`
  }

  /**
   * Keeps everything in a storage from now on, and takes over its content; a second storage is ignored.
   *
   * @param open - Returns the storage
   */
  keepIn(open: () => ComposerStorage | undefined): void {
    if (this.#storage) return
    // NOTE: browsers throw where a user blocks the storage of a site
    this.#try('draft and the queue', () => (this.#storage = open()))
    if (!this.#storage) return
    const draft = this.#read('draft', isDraft)
    if (draft && this.draft.value === emptyDraft) this.draft.value = draft
    const { items, awaited } = this.queue.value
    for (const { id } of items) this.#unkept.add(itemKey(id))
    this.change((kept) => ({ items: kept.items, awaited: [...new Set([...kept.awaited, ...awaited])] }))
  }

  /** Takes over what other tabs have changed. Answers the events `storage` and `pageshow` of the window. */
  readonly hear = ({ key }: Partial<Pick<StorageEvent, 'key'>>): void => {
    // NOTE: the storage of an app may put something before the keys
    if (key?.includes(`${this.#key}queue`) ?? true) this.refresh()
  }

  /** Reads the queue from the storage again. */
  refresh(): void {
    this.change((kept) => kept)
  }

  write(change: Partial<Draft>): void {
    this.draft.value = { ...this.draft.value, ...change }
    const { text, attachments } = this.draft.value
    this.#keep('draft', text !== '' || attachments.length > 0 ? this.draft.value : undefined)
  }

  clear(): Draft {
    const taken = this.draft.value
    this.write(emptyDraft)
    return taken
  }

  /**
   * Changes the queue as the storage has it now: another tab may have changed it a moment ago. Of two lists that are
   * written at the same moment one stays, and the tab of the other one adds what it lacks.
   */
  change(change: (queue: QueueState) => QueueState): void {
    const before = this.#keptQueue
    const { items, awaited } = change(before)
    const ids = items.map(({ id }) => id)
    for (const { id } of before.items) if (!ids.includes(id)) this.#keep(itemKey(id))
    for (const item of items) this.#keep(itemKey(item.id), item)
    this.#keep('queue', ids.length > 0 ? { ids, awaited } : undefined)
    this.queue.value = ids.length > 0 ? { items, awaited } : emptyQueue
  }

  /** The queue as the storage has it. A prompt stays in it until its own key is removed, whatever the list says. */
  get #keptQueue(): QueueState {
    const { items, awaited } = this.queue.value
    if (!this.#storage) return this.queue.value
    const list = this.#read('queue', isList) ?? { ids: [], awaited }
    const prefix = this.#key + itemKey('')
    // NOTE: the properties of a browser's storage are its keys; other storages may not tell theirs
    const stored = Object.keys(this.#storage).filter((key) => key.startsWith(prefix))
    const ids = [...list.ids, ...items.map(({ id }) => id), ...stored.map((key) => key.slice(prefix.length))]
    const kept = [...new Set(ids)].flatMap((id) => {
      const held = items.find((item) => item.id === id)
      const draft = this.#read(itemKey(id), isDraft, held)
      return draft ? { ...draft, id } : []
    })
    return { items: kept, awaited: list.awaited }
  }

  /**
   * Reads a value; undefined if the storage has none.
   *
   * @param held - The value, if the storage could not take it or does not give it back.
   */
  #read<T>(name: string, isValid: (value: unknown) => value is T, held?: T): T | undefined {
    if (this.#unkept.has(name)) return held
    try {
      const text = this.#storage?.getItem(this.#key + name) ?? null
      if (text === null) return undefined
      const value: unknown = JSON.parse(text)
      return isValid(value) ? value : held
    } catch {
      // Not ours, or not readable
      return held
    }
  }

  #keep(name: string, value?: unknown): void {
    const key = this.#key + name
    const text = value === undefined ? null : JSON.stringify(value)
    this.#try(name, () => {
      // NOTE: what a tab has read can be behind for a moment, and must not take the place of what another tab wrote
      // since
      if (text === this.#storage?.getItem(key)) return
      if (text === null) return this.#storage?.removeItem(key)
      this.#storage?.setItem(key, text)
      // NOTE: the queue is read from the storage again, so one that ignores what is written would lose it
      if (this.#storage && text !== this.#storage.getItem(key)) throw new Error('not kept')
    })
  }

  #try(name: string, write: () => void): void {
    try {
      write()
      this.#unkept.delete(name)
      if (this.#unkept.size === 0) this.error.value = undefined
    } catch (cause) {
      this.#unkept.add(name)
      const why = `unable to keep the ${name.replace(/:.*/, '')} for a reload; ${String(cause)} (blocked, or full?)`
      this.error.value = new Error(why, { cause })
    }
  }
}

const isDraft = (value: unknown): value is Draft =>
  isPlainObject(value) &&
  typeof value.text === 'string' &&
  Array.isArray(value.attachments) &&
  value.attachments.every((file) => isPlainObject(file) && typeof file.url === 'string')

const isList = (value: unknown): value is StoredList =>
  isPlainObject(value) && Array.isArray(value.ids) && Array.isArray(value.awaited)

/** Each prompt has a key of its own, so that tabs that write at the same moment overwrite no prompt of each other. */
const itemKey = (id: string): string => `queue:${id}`

const memories = new WeakMap<object, Map<string, ComposerMemory>>()

/** The memory of a session. @param owner - The app's transport, or a session that stands alone */
export function memoryOf(owner: object, sessionName: string): ComposerMemory {
  let ofOwner = memories.get(owner)
  if (!ofOwner) memories.set(owner, (ofOwner = new Map()))
  let memory = ofOwner.get(sessionName)
  if (!memory) ofOwner.set(sessionName, (memory = new ComposerMemory(sessionName)))
  return memory
}
