import type { Answer } from '../core/codec'
import { ErrorCode, toSessionError, type SessionError } from '../core/errors'
import type { RunInfo } from '../core/run-info'
import type { RunNode } from '../core/run-node'
import { Header } from '../core/wire'
import { ActiveRun, type ActiveRunHost } from './active-run'
import { localRows, moved, outgoing, type Outgoing, type Place } from './outgoing'
import type { Placed } from './placement'
import { RunPromises } from './run-promises'
import type { Sent } from './sent'
import type { SessionTree } from './session-tree'
import type { Shared } from './shared'
import type { Steers } from './steers'
import type { Stops } from './stops'
import { newestAnswer, runOf, runTakenUp } from './trigger'
import type { WakeInfo } from './wake'
import type { Wakes, WakeTrigger } from './wakes'

export interface SendOptions {
  /**
   * What happens to runs of this view that are active, about to start, or wait for somebody: `alongside` leaves them alone,
   * `interrupt` cancels them all first, those that wait for an approval too.
   * @default 'alongside'
   */
  whenBusy?: 'alongside' | 'interrupt'
  /**
   * With `interrupt`: send right behind the cancels, or when the interrupted runs have ended (at most 2 s later).
   * @default 'published'
   */
  waitFor?: 'published' | 'ended'
  /** The message id that this prompt follows. @default the last message of the view */
  parent?: string
  /** Whether to wake the session's agent. @default true */
  wake?: boolean
}

/** Options of sends whose place in the conversation is given. */
export type PlacedSendOptions = Omit<SendOptions, 'parent'>

export interface AnswerOptions extends PlacedSendOptions {
  /**
   * `continuation` answers into the run that asked; `fork` answers a copy of its reply, for a run that takes its place.
   * @default 'continuation'
   */
  as?: 'continuation' | 'fork'
}

/** Prompts and answers on their way out, until the runs they lead to have ended. */
export class Prompts<M extends object> implements ActiveRunHost<M> {
  readonly #sent = new Set<Sent>()
  /** Prompts that the channel has refused, as far as is known. */
  readonly #refused = new Set<Sent>()
  /** What was cancelled before any run began, by message id, as long as somebody has a handle of it. */
  readonly #letGo = new Map<string, WeakRef<Sent>>()

  constructor(
    private readonly shared: Shared<M>,
    readonly all: SessionTree<M>,
    readonly steers: Steers<M>,
    readonly stops: Stops<M>,
    readonly wakes: Wakes<M>,
  ) {}

  /** A prompt sent by this session. */
  find(inputId = ''): Sent | undefined {
    return [...this.#sent].find((sent) => sent.inputId === inputId && sent.runId === undefined)
  }

  /** What was sent and is no prompt, so that nothing shows it before a run has taken it up. */
  unheard(): Sent[] {
    const { tree } = this.shared
    return [...this.#sent].filter((sent) => !tree.inputs.has(sent.inputId) && !runTakenUp(tree, sent))
  }

  /** The answers of this session to a message; only those that the channel has, unless all are wanted. */
  answersTo(messageId: string, all = true): readonly Answer[] {
    return [...this.#sent].flatMap((sent) =>
      sent.inputId === messageId && (all || !sent.published) ? sent.answers : [],
    )
  }

  isFailed({ inputId }: Sent): boolean {
    return this.shared.tree.inputs.get(inputId)?.isFailed ?? false
  }

  runOf(sent: Sent): RunInfo | undefined {
    const { tree, changed } = this.shared
    changed.track()
    const run = runOf(tree, sent)
    return run && tree.info(run)
  }

  /**
   * Publishes inputs in their order, when what `onPlaced` answers with has come; the last one is what the agent is woken
   * with.
   */
  async send(
    { inputs, place }: Placed<M>,
    wakes = true,
    onPlaced?: (inputId: string) => Promise<void> | undefined,
  ): Promise<ActiveRun<M>> {
    const { channel, tree, port } = this.shared
    this.shared.checkOpen()
    const all = inputs.map((input) => outgoing(tree.codec, input, place, channel.clientId))
    const answers = inputs.filter((input) => input.type === 'answer')
    const sent: Sent = { ...all.at(-1)!, promises: new RunPromises(), answers, wakes }
    this.#sent.add(sent)
    if (inputs.at(-1)!.type === 'message') this.#show(sent)
    const turn = onPlaced?.(sent.inputId)
    this.shared.flush()
    await (sent.published = this.#send(sent, all.slice(0, -1), turn))
    if (answers.length === 0 || !this.#isEarly(sent)) this.#wake(sent)
    return port.opaque(new ActiveRun(this, sent))
  }

  /** Publishes again what failed, or wakes the agent, again or at last, unless a run has taken it up. */
  async retry(sent: Sent): Promise<void> {
    const { tree } = this.shared
    if (runTakenUp(tree, sent)) return
    if (sent.published) return void (await sent.published)
    if (!this.isFailed(sent)) return void this.wake(sent)
    this.#refused.delete(sent)
    tree.retryLocal(sent.inputId)
    this.shared.flush()
    await (sent.published = this.#send(sent))
    this.#wake(sent)
  }

  /**
   * Wakes the agent for what waits, whoever sent it; again if that was done before.
   * @throws SessionError 40003 when the session has none, 104004 when it is closed.
   */
  wake(trigger: WakeTrigger): WakeInfo {
    const { eventId } = trigger
    // NOTE: looked up each time, so that nothing is kept for a wake that was given up
    const own = (): Sent | undefined => [...this.#sent].find((sent) => sent.eventId === eventId)
    const wake = this.wakes.wake(trigger, (error) => this.#giveUp(own(), error))
    this.#takeBack(trigger.inputId)
    const sent = own()
    sent?.promises.renew()
    if (sent) sent.wake = wake
    return wake
  }

  /** Takes a prompt that could not be published out of the conversation. */
  discard(inputId: string): void {
    const sent = this.find(inputId)
    if (!sent || !this.isFailed(sent)) return
    this.#sent.delete(sent)
    this.#refused.delete(sent)
    this.shared.tree.discardLocal(inputId)
    this.shared.flush()
  }

  /** Keeps what was promised of a run, and lets it have its answers, as the tree has settled it. */
  follow(run: RunNode<M>): void {
    const { tree } = this.shared
    if (run.visible) this.#takeBack(run.inputId)
    // NOTE: of those who answer at one time, the last on the channel wakes the agent
    const newest = run.state.status === 'suspended' && newestAnswer(tree, run)?.transport[Header.eventId]
    for (const sent of this.#sent) {
      if (run.key !== sent.runId && run.inputId !== sent.inputId) continue
      const taken = runTakenUp(tree, sent)
      if (taken && sent.promises.follow(tree.info(taken))) this.#sent.delete(sent)
      if (sent.eventId === newest && !sent.wake && !sent.published && !this.#isEarly(sent)) this.#wake(sent)
    }
  }

  /** Wakes the agent for what was refused and has come up on the channel all the same. */
  review(): void {
    for (const sent of this.#refused) {
      if (this.isFailed(sent)) continue
      this.#refused.delete(sent)
      this.#wake(sent)
    }
  }

  close(error: SessionError): void {
    for (const sent of this.#sent) {
      sent.wakes = false
      sent.promises.giveUp(error)
    }
  }

  /** Whether it is too early to go on: the reply is still being written, or waits for another answer. */
  #isEarly({ inputId, runId = '' }: Sent): boolean {
    const { tree } = this.shared
    const reply = tree.nodeOf(inputId)?.message(inputId)
    if (tree.runs.get(runId)?.state.status === 'active') return true
    return !!reply && !!tree.codec.waits?.(reply, this.answersTo(inputId, false))
  }

  #show({ inputId, messages }: Outgoing): void {
    const { tree, channel } = this.shared
    tree.addLocal(inputId, localRows(messages, channel.clientId))
  }

  async #send(sent: Sent, others: readonly Outgoing[] = [], turn?: Promise<void>): Promise<void> {
    try {
      const parent = this.find(sent.place.parent)
      const former = this.find(sent.place.forkOf)
      const isTurn = [turn, parent?.published, former?.published].filter((wait) => wait !== undefined)
      if (isTurn.length > 0) await (sent.turn = Promise.allSettled(isTurn))
      sent.turn = undefined
      // NOTE: what failed is on nobody's channel, so a prompt waits until that is known of those that it names
      if (parent && this.isFailed(parent)) this.#move(sent, { parent: parent.place.parent })
      if (former && this.isFailed(former)) {
        this.#move(sent, { forkOf: former.place.forkOf })
        this.discard(former.inputId)
      }
      await this.#publish(sent, [...others, sent])
    } finally {
      sent.published = undefined
    }
  }

  #move(sent: Sent, to: Pick<Place, 'parent' | 'forkOf'>): void {
    this.#show(Object.assign(sent, moved(sent, to)))
  }

  async #publish(sent: Sent, all: readonly Outgoing[]): Promise<void> {
    const { outbox, tree, flush, refresh } = this.shared
    try {
      const published = Promise.all(all.map(({ messages }) => outbox.publish(messages)))
      if (!tree.inputs.has(sent.inputId)) refresh()
      await published
    } catch (cause) {
      const error = toSessionError('send the prompt', ErrorCode.SendFailed, cause)
      tree.failLocal(sent.inputId, { code: error.code, message: error.message })
      if (this.isFailed(sent)) this.#refused.add(sent)
      else this.#sent.delete(sent)
      flush()
      refresh()
      throw error
    }
  }

  /** Somebody wants, or has answered, what was let go. */
  #takeBack(inputId = ''): void {
    const sent = this.#letGo.get(inputId)?.deref()
    this.#letGo.delete(inputId)
    if (!sent) return
    sent.promises.renew()
    this.#sent.add(sent)
  }

  #wake(sent: Sent): void {
    const { agent, tree } = this.shared
    if (agent && sent.wakes && !runTakenUp(tree, sent)) this.wake(sent)
  }

  /** What was cancelled before any run began leads nowhere, unless somebody wants it after all. */
  #giveUp(sent: Sent | undefined, error: SessionError): void {
    if (!sent) return
    sent.promises.giveUp(error)
    if (error.code === ErrorCode.Cancelled) {
      this.#sent.delete(sent)
      this.#letGo.set(sent.inputId, new WeakRef(sent))
    } else if (!this.shared.tree.inputs.has(sent.inputId)) {
      // A prompt shows it where it stands; an answer or a wish for another reply stands nowhere
      this.shared.report(error)
    }
  }
}
