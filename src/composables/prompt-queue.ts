import { computed, watch, type ComputedRef } from 'vue'
import { badRequest, ErrorCode, type SessionError } from '../core/errors'
import { isRunning, type RunInfo } from '../core/run-info'
import type { ActiveRun } from '../session/runs'
import type { SendOptions } from '../session/submission'
import type { View } from '../session/view'
import type { ComposerMemory, Draft, QueuedPrompt } from './composer-memory'

/**
 * Why a queue does not go on by itself: a run was stopped, ended with an error, or its agent stopped responding; or a
 * prompt could not be published (`failed`), or reached no agent (`unanswered`).
 */
export interface QueuePause {
  readonly reason: 'stopped' | 'error' | 'stalled' | 'failed' | 'unanswered'
  /** The run, if there is one. */
  readonly run?: RunInfo
  /** The message id of the prompt, if it has no run. */
  readonly inputId?: string
}

/** Sends a prompt of the queue. */
type SendQueued<M extends object> = (
  prompt: QueuedPrompt,
  options: Pick<SendOptions, 'id' | 'whenBusy' | 'waitFor'>,
) => Promise<ActiveRun<M>>

/**
 * Prompts that wait until the runs before them have ended well, one after the other. Whether the next one may go is
 * read off the session, so every tab and every reload comes to the same answer; a prompt goes out under its own id,
 * which the channel takes once.
 */
export class PromptQueue<M extends object> {
  readonly items: ComputedRef<readonly QueuedPrompt[]>
  /** Why the queue does not go on by itself; undefined while it does, and while it is empty. */
  readonly pause: ComputedRef<QueuePause | undefined>
  readonly #memory: () => ComposerMemory
  readonly #view: () => View<M>
  readonly #send: SendQueued<M>

  constructor(memory: () => ComposerMemory, view: () => View<M>, send: SendQueued<M>) {
    this.#memory = memory
    this.#view = view
    this.#send = send
    this.items = computed(() => memory().queue.value.items)
    this.pause = computed(() => (this.items.value.length > 0 ? this.#findPause() : undefined))
  }

  /** Follows the session until the running scope ends. */
  follow(): void {
    const busy = computed(() => (this.items.value.length > 0 ? this.#busy().join() : ''))
    watch(busy, (ids) => ids !== '' && this.#await(ids.split(',')), { immediate: true, flush: 'sync' })
    watch([() => this.#isLoaded(), this.#memory], ([isReady]) => isReady && this.#forgetUnknown(), {
      immediate: true,
    })
    const due = computed(() => this.#due())
    watch(due, (item) => item && void this.sendNow(item.id).catch(() => undefined), { immediate: true })
  }

  /** Puts a prompt at the end. It waits for everything that is active now. */
  add(id: string, draft: Draft): QueuedPrompt {
    const item = { id, ...draft }
    this.#memory().change(({ items, awaited }) => ({ items: [...items, item], awaited: [...awaited, ...this.#busy()] }))
    return item
  }

  update(id: string, change: Partial<Draft>): void {
    this.#change(id, (items, index) => items.with(index, { ...items[index]!, ...change }))
  }

  /** Moves a prompt to another place; 0 is the next one. */
  move(id: string, place: number): void {
    this.#change(id, (items, index) => items.toSpliced(index, 1).toSpliced(Math.max(0, place), 0, items[index]!))
  }

  remove(id: string): void {
    this.#change(id, (items, index) => items.toSpliced(index, 1))
  }

  /** Goes on after a pause. */
  resume(): void {
    this.#memory().refused.value = undefined
    this.#memory().change(({ items, awaited }) => ({
      items,
      awaited: awaited.filter((id) => this.#fate(id) === 'running'),
    }))
  }

  /**
   * Sends a prompt without waiting for its turn.
   * @throws SessionError 40003 when it is not in the queue.
   */
  async sendNow(id: string, options: Pick<SendOptions, 'whenBusy' | 'waitFor'> = {}): Promise<ActiveRun<M>> {
    const memory = this.#memory()
    // NOTE: a page that was frozen, or in the back/forward cache, has not heard what other tabs have done
    memory.refresh()
    const item = memory.queue.value.items.find((each) => each.id === id)
    if (!item) throw badRequest('send the prompt', 'it is not in the queue')
    memory.sending.value = [...memory.sending.value, id]
    memory.refused.value = undefined
    let isOver = true
    try {
      return await this.#send(item, { ...options, id })
    } catch (cause) {
      // NOTE: a prompt that the channel refused stands in the conversation, which offers to send it again
      isOver = this.#isShown(id) && (cause as Partial<SessionError> | undefined)?.code !== ErrorCode.Closed
      // NOTE: the queue waits, else it would try again at once and for ever
      if (!isOver) memory.refused.value = id
      throw cause
    } finally {
      memory.sending.value = memory.sending.value.filter((each) => each !== id)
      if (isOver) {
        memory.change(({ items, awaited }) => ({
          items: items.filter((each) => each.id !== id),
          awaited: [...awaited, id],
        }))
      }
    }
  }

  #change(id: string, change: (items: readonly QueuedPrompt[], index: number) => readonly QueuedPrompt[]): void {
    if (this.#memory().sending.value.includes(id)) return
    this.#memory().change(({ items, awaited }) => {
      const index = items.findIndex((item) => item.id === id)
      return { items: index < 0 ? items : change(items, index), awaited }
    })
  }

  #await(ids: readonly string[]): void {
    this.#memory().change(({ items, awaited }) => ({ items, awaited: [...new Set([...awaited, ...ids])] }))
  }

  /** The first prompt, when nothing holds it back. */
  #due(): QueuedPrompt | undefined {
    const { queue, sending, refused } = this.#memory()
    const { items, awaited } = queue.value
    const [first] = items
    if (!first || first.id === refused.value || sending.value.length > 0 || !this.#isLoaded()) return undefined
    // NOTE: its tab was closed before it could wake an agent for it, or remove it here
    if (this.#isShown(first.id)) return first
    if (this.#view().isRunning) return undefined
    return awaited.every((id) => this.#fate(id) === 'complete') ? first : undefined
  }

  /** Whether the view shows its first page, and is in step with the channel. */
  #isLoaded(): boolean {
    const view = this.#view()
    if (view.internals.status !== 'ready' || view.isLoadingOlder) return false
    return view.getMessages().length > 0 || !view.hasOlder()
  }

  #busy(): readonly string[] {
    const view = this.#view()
    const runs = view.runs().filter(isRunning)
    return [...runs.map(({ runId }) => runId), ...view.pending().map(({ inputId }) => inputId)]
  }

  #findPause(): QueuePause | undefined {
    const { queue, refused } = this.#memory()
    for (const id of queue.value.awaited) {
      const reason = this.#fate(id)
      if (reason === 'running' || reason === 'complete') continue
      const run = this.#runOf(id)
      return { reason, ...(run ? { run } : { inputId: id }) }
    }
    const first = queue.value.items[0]!.id
    return first === refused.value ? { reason: 'failed', inputId: first } : undefined
  }

  #fate(id: string): QueuePause['reason'] | 'running' | 'complete' {
    const run = this.#runOf(id)
    if (run?.stalled) return 'stalled'
    if (run?.status === 'cancelled') return 'stopped'
    if (run) return run.status === 'active' || run.status === 'suspended' ? 'running' : run.status
    const input = this.#view()
      .pending()
      .find(({ inputId }) => inputId === id)
    if (input?.cancelling) return 'stopped'
    if (input) return input.wake?.state === 'failed' || input.unanswered ? 'unanswered' : 'running'
    return this.#message(id)?.state === 'failed' ? 'failed' : 'running'
  }

  #runOf(id: string): RunInfo | undefined {
    const view = this.#view()
    return view.run(id) ?? view.runOf(id)
  }

  #message(id: string) {
    return this.#view()
      .getMessages()
      .findLast((message) => message.id === id)
  }

  #isShown(id: string): boolean {
    return this.#runOf(id) !== undefined || this.#message(id) !== undefined
  }

  /** After a reload: runs of an earlier visit that the session does not know are long over. */
  #forgetUnknown(): void {
    this.#memory().change(({ items, awaited }) => ({ items, awaited: awaited.filter((id) => this.#isShown(id)) }))
  }
}
