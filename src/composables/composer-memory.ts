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
    this.change((kept) => ({ items: [...kept.items, ...items], awaited: [...kept.awaited, ...awaited] }))
  }

  /** Takes over what another tab has changed. Answers the `storage` event of the window. */
  readonly hear = ({ key }: Pick<StorageEvent, 'key'>): void => {
    // NOTE: the storage of an app may put something before the keys
    if (key === null || key.endsWith(`${this.#key}queue`)) this.queue.value = this.#keptQueue
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

  /** Changes the queue as the storage has it now: another tab may have changed it a moment ago. */
  change(change: (queue: QueueState) => QueueState): void {
    const next = change(this.#keptQueue)
    const kept = next.items.length > 0 ? next : emptyQueue
    this.#keep('queue', kept === emptyQueue ? undefined : kept)
    this.queue.value = kept
  }

  get #keptQueue(): QueueState {
    // NOTE: a queue that the storage could not take is only here
    if (!this.#storage || this.#unkept.has('queue')) return this.queue.value
    return this.#read('queue', isQueue) ?? emptyQueue
  }

  #read<T>(name: string, isValid: (value: unknown) => value is T): T | undefined {
    try {
      const value: unknown = JSON.parse(this.#storage?.getItem(this.#key + name) ?? 'null')
      return isValid(value) ? value : undefined
    } catch {
      // Not ours, or not readable: begin anew
      return undefined
    }
  }

  #keep(name: string, value: unknown): void {
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
      const why = `unable to keep the ${name} for a reload; ${String(cause)} (blocked, or full?)`
      this.error.value = new Error(why, { cause })
    }
  }
}

const isDraft = (value: unknown): value is Draft =>
  isPlainObject(value) &&
  typeof value.text === 'string' &&
  Array.isArray(value.attachments) &&
  value.attachments.every((file) => isPlainObject(file) && typeof file.url === 'string')

const isQueue = (value: unknown): value is QueueState =>
  isPlainObject(value) &&
  Array.isArray(value.awaited) &&
  Array.isArray(value.items) &&
  value.items.every((item) => isDraft(item) && typeof (item as Partial<QueuedPrompt>).id === 'string')

const memories = new WeakMap<object, Map<string, ComposerMemory>>()

/** The memory of a session. @param owner - The app's transport, or a session that stands alone */
export function memoryOf(owner: object, sessionName: string): ComposerMemory {
  let ofOwner = memories.get(owner)
  if (!ofOwner) memories.set(owner, (ofOwner = new Map()))
  let memory = ofOwner.get(sessionName)
  if (!memory) ofOwner.set(sessionName, (memory = new ComposerMemory(sessionName)))
  return memory
}
