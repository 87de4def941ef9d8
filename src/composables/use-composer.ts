import {
  computed,
  onMounted,
  onScopeDispose,
  unref,
  watch,
  type ComputedRef,
  type MaybeRef,
  type WritableComputedRef,
} from 'vue'
import type { FileUIPart, UIMessage } from 'ai'
import { badRequest, ErrorCode, SessionError } from '../core/errors'
import type { RunInfo } from '../core/run-info'
import { newId } from '../core/wire'
import type { ActiveRun, Steer } from '../session/runs'
import type { SendInput } from '../session/placed-input'
import type { SendOptions } from '../session/submission'
import type { AppMessage } from '../store/app-message'
import { ComposerMemory, memoryOf, type ComposerStorage, type Draft, type QueuedPrompt } from './composer-memory'
import { useTransport } from './binding'
import { useHydrated } from './hydration'
import { PromptQueue, type QueuePause } from './prompt-queue'
import { useViewSource, type OwnViewSource, type ViewSource } from './view-source'
import { decide, type NextSend, type WhenBusy } from './when-busy'

export interface UseComposerOptions<M extends object = AppMessage> extends ViewSource<M> {
  /** How to send while a run is active. @default 'alongside' */
  whenBusy?: MaybeRef<WhenBusy | undefined>
  /**
   * With `interrupt`: send right behind the cancels, or when the stopped runs have ended (at most 2 s later).
   * @default 'published'
   */
  waitFor?: SendOptions['waitFor']
  /** How many prompts the queue takes; further ones are refused. @default 20 */
  queueLimit?: number
  /**
   * Where the draft and the queue are kept over reloads, for example `() => localStorage`. It is called in the browser
   * only. Clear it when the user logs out. Without it, or if the browser blocks it, both live as long as the page.
   */
  storage?: () => ComposerStorage
  /** Makes the message of a prompt. @default the text, or a `UIMessage` with the attachments before the text */
  message?: (draft: Draft) => SendInput<M>
}

/** What became of a draft. */
export type Sent<M extends object = AppMessage> =
  | { readonly verb: 'send' | 'alongside' | 'interrupt'; readonly run: ActiveRun<M> }
  | { readonly verb: 'steer'; readonly runId: string; readonly steer: Steer }
  | { readonly verb: 'queue'; readonly item: QueuedPrompt }
  /** The draft stays as it is. */
  | { readonly verb: 'reject'; readonly reason: string }

export interface UseComposerReturn<M extends object = AppMessage> {
  /** The text being written, one for each session. */
  draft: WritableComputedRef<string>
  /** Files that go out with it. */
  attachments: WritableComputedRef<readonly FileUIPart[]>
  /** How `send()` will go, for a label such as "Stop 2 runs and send". */
  next: ComputedRef<NextSend>
  /** How `send({ whenBusy })` will go, for the labels of other buttons. */
  nextFor: (whenBusy: WhenBusy) => NextSend
  /**
   * Sends the draft and empties it. Resolves with the verb that happened: when the channel has accepted the prompt,
   * when a steer is on its way, or when it stands in the queue.
   * @throws SessionError 104005 when it could not be published; the prompt stays in the conversation with state
   * `failed`.
   */
  send: (options?: ComposerSendOptions | Event) => Promise<Sent<M>>
  /**
   * Prompts that wait for their turn, the next one first. They go out one by one, each after the run before it has
   * succeeded.
   */
  queue: ComputedRef<readonly QueuedPrompt[]>
  /**
   * The id of the queued prompt that is on its way to the channel; the first one, if `sendNow` was called for several.
   */
  sending: ComputedRef<string | undefined>
  /** Why the queue waits for `resume()`; undefined while it goes on by itself. */
  pause: ComputedRef<QueuePause | undefined>
  /** Goes on with the queue after a pause. */
  resume: () => void
  /** Changes a queued prompt. One that is on its way stays as it is. */
  update: (id: string, change: Partial<Draft>) => void
  /** Moves a queued prompt to another place; 0 is the next one. */
  move: (id: string, place: number) => void
  /** Takes a prompt out of the queue. */
  remove: (id: string) => void
  /** Sends a queued prompt without waiting for its turn, beside the active runs or instead of them. */
  sendNow: (id: string, options?: Pick<SendOptions, 'whenBusy' | 'waitFor'>) => Promise<ActiveRun<M>>
  /** Why the draft or the queue could not be kept in the storage. */
  storageError: ComputedRef<Error | undefined>
}

export interface ComposerSendOptions {
  /** Sends this draft otherwise than `whenBusy` of the composer says. */
  whenBusy?: WhenBusy
}

/**
 * A box to write prompts in: the draft, how it is sent while runs are active, and the queue. Composers of the same
 * session share all of that.
 * @throws Error when there is no session in reach.
 *
 * @example
 * const { draft, next, send, queue } = useComposer({ whenBusy: 'queue', storage: () => localStorage })
 */
export function useComposer<M extends object>(options: OwnViewSource<M> & UseComposerOptions<M>): UseComposerReturn<M>
export function useComposer(options?: UseComposerOptions): UseComposerReturn
export function useComposer<M extends object>(options: UseComposerOptions<M> = {}): UseComposerReturn<M> {
  const { storage, waitFor, queueLimit = 20, message = plainMessage } = options
  const { binding, shown, current, actor } = useViewSource(options)
  const owner = binding ? useTransport() : (options.session ?? options.view!)
  const memory = computed(() => memoryOf(owner, current().internals.channel.name))
  const queue = new PromptQueue<M>(
    () => memory.value,
    current,
    (prompt, how) => actor().send(message(prompt), how),
  )

  /** Keeps the draft and lets the queue go on, in the browser. */
  function live(): void {
    watch(memory, (now) => (now.isLive = true), { immediate: true, flush: 'sync' })
    if (storage) {
      const hear = (event: Partial<StorageEvent>): void => memory.value.hear(event)
      watch(memory, (now) => now.keepIn(storage), { immediate: true, flush: 'sync' })
      // NOTE: a controller can stand for the options of a listener, which it ends by its signal
      const stop = new AbortController()
      addEventListener('storage', hear, stop)
      // NOTE: a page in the back/forward cache gets no storage events
      addEventListener('pageshow', hear, stop)
      onScopeDispose(() => stop.abort())
    }
    queue.follow()
  }
  const isHydrated = useHydrated()
  if (typeof window !== 'undefined') {
    // NOTE: the server has rendered an empty box
    if (isHydrated()) live()
    else onMounted(live)
  }
  let unused: ComposerMemory | undefined
  /** The memory to show: an empty one while the component hydrates, if others have gone on meanwhile. */
  const box = (): ComposerMemory =>
    isHydrated() || !memory.value.isLive ? memory.value : (unused ??= new ComposerMemory(''))
  const items = computed(() => box().queue.value.items)
  const pause = computed(() => (box() === memory.value ? queue.pause.value : undefined))

  const nextFor = (policy: WhenBusy): NextSend =>
    decide(shown(), box().draft.value.text, policy, items.value.length > 0 && !pause.value)
  const policy = (): WhenBusy => unref(options.whenBusy) ?? 'alongside'

  async function send(given: ComposerSendOptions | Event = {}): Promise<Sent<M>> {
    // NOTE: apps without types give a text
    if (typeof given !== 'object') throw badRequest('send', 'it sends the draft: set `draft` first')
    // A listener in a template passes its event
    const { whenBusy = policy() } = 'whenBusy' in given ? given : {}
    const { text, attachments } = memory.value.draft.value
    const reject = (reason: string): Sent<M> => ({ verb: 'reject', reason })
    if (text.trim() === '' && attachments.length === 0) return reject('The draft is empty.')
    const { verb, targets } = nextFor(whenBusy)
    if (verb === 'reject') return reject('An answer is being written.')
    if (verb === 'queue' && items.value.length >= queueLimit) return reject(`The queue is full (${queueLimit}).`)
    const writing = memory.value
    const draft = writing.clear()
    if (verb === 'queue') return { verb, item: queue.add(newId(), draft) }
    try {
      const input = message(draft)
      if (verb === 'steer') {
        const { runId } = targets[0] as RunInfo
        return { verb, runId, steer: actor().steer(runId, input) }
      }
      const how = verb === 'interrupt' ? ({ whenBusy: verb, waitFor } as const) : {}
      return { verb, run: await actor().send(input, how) }
    } catch (cause) {
      // NOTE: a prompt that the channel refused stands in the conversation; all other drafts come back
      const isShown = cause instanceof SessionError && cause.code === ErrorCode.SendFailed
      if (!isShown && writing.draft.value.text === '') writing.write(draft)
      throw cause
    }
  }

  return {
    draft: computed({ get: () => box().draft.value.text, set: (text) => memory.value.write({ text }) }),
    attachments: computed({
      get: () => box().draft.value.attachments,
      set: (attachments) => memory.value.write({ attachments }),
    }),
    next: computed(() => nextFor(policy())),
    nextFor,
    send,
    queue: items,
    sending: computed(() => box().sending.value[0]),
    pause,
    resume: () => queue.resume(),
    update: (id, change) => queue.update(id, change),
    move: (id, place) => queue.move(id, place),
    remove: (id) => queue.remove(id),
    sendNow: (id, how) => queue.sendNow(id, how),
    storageError: computed(() => box().error.value),
  }
}

/** The text, or a `UIMessage` with the attachments before the text. */
function plainMessage<M extends object>({ text, attachments }: Draft): SendInput<M> {
  if (attachments.length === 0) return text
  const parts: UIMessage['parts'] = [...attachments, ...(text === '' ? [] : [{ type: 'text' as const, text }])]
  const message: UIMessage = { id: newId(), role: 'user', parts }
  // Apps with another type of message give `message`
  return message as unknown as M
}
