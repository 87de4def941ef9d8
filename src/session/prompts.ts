import { ErrorCode, SessionError, toSessionError } from '../core/errors'
import type { RunInfo } from '../core/run-info'
import { Header } from '../core/wire'
import type { Answer, Input } from '../core/codec'
import type { RunNode } from '../core/run-node'
import { ActiveRun } from './active-run'
import { localRows, moved, outgoing, type Outgoing, type Place } from './outgoing'
import type { Placed } from './placement'
import type { SessionTree } from './session-tree'
import type { Shared } from './shared'
import type { Steers } from './steers'
import { newestAnswer, runOf, runTakenUp } from './trigger'
import type { Stops } from './stops'
import type { InvocationBody, WakeInfo } from './wake'
import type { Wakes } from './wakes'

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

/** What was sent, and is to lead to a run. */
export interface Sent<M extends object> extends Outgoing {
  run: ActiveRun<M>
  wakes: boolean
  wake?: WakeInfo
  readonly answers: readonly Answer[]
  /** Set until it is on its way to the channel. */
  turn?: Promise<unknown>
  /** Set until the channel has taken or refused it. */
  published?: Promise<unknown>
}

/** Prompts and answers on their way out, and the handles of the runs they lead to. */
export class Prompts<M extends object> {
  readonly #sent = new Set<Sent<M>>()
  /** Prompts that the channel has refused, as far as is known. */
  readonly #refused = new Set<Sent<M>>()
  #isClosed = false

  constructor(
    private readonly shared: Shared<M>,
    readonly all: SessionTree<M>,
    readonly steers: Steers<M>,
    private readonly stops: Stops<M>,
    private readonly wakes: Wakes<M>,
  ) {}

  /** The handle of a prompt sent by this session. */
  handle(inputId: string): ActiveRun<M> | undefined {
    return this.#prompt(inputId)?.run
  }

  /** Set until what was sent is on its way to the channel. */
  turnOf(inputId: string): Promise<unknown> | undefined {
    return this.#prompt(inputId)?.turn
  }

  /** What was sent and is no prompt, so that nothing shows it before a run has taken it up. */
  *unheard(): Generator<Sent<M>> {
    const { tree } = this.shared
    for (const sent of this.#sent) if (!tree.inputs.has(sent.inputId) && !runTakenUp(tree, sent)) yield sent
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
    const { channel, tree } = this.shared
    this.shared.checkOpen()
    const all = inputs.map((input) => outgoing(tree.codec, input, place, channel.clientId))
    const sent = this.#keep(all.at(-1)!, wakes, inputs)
    if (inputs.at(-1)!.type === 'message') this.#show(sent)
    const turn = onPlaced?.(sent.inputId)
    this.shared.flush()
    await (sent.published = this.#send(sent, all.slice(0, -1), turn))
    if (sent.answers.length === 0 || !this.#isEarly(sent)) this.#wake(sent)
    return sent.run
  }

  /** The run that was started, or gone into. */
  runOf(sent: Sent<M>): RunInfo | undefined {
    return this.#info(runOf(this.shared.tree, sent))
  }

  /** The same once its agent has taken up what was sent, or can no more. */
  runThatTook(sent: Sent<M>): RunInfo | undefined {
    return this.#info(runTakenUp(this.shared.tree, sent))
  }

  #info(run: RunNode<M> | undefined): RunInfo | undefined {
    this.shared.changed.track()
    return run && this.shared.tree.info(run)
  }

  isFailed(sent: Sent<M>): boolean {
    return this.shared.tree.inputs.get(sent.inputId)?.isFailed ?? false
  }

  wakeOf(sent: Sent<M>): WakeInfo | undefined {
    return this.wakes.infoOf(sent.eventId) ?? sent.wake
  }

  invocationOf(sent: Sent<M>): InvocationBody {
    return this.wakes.invocation(sent.eventId)
  }

  cancel(sent: Sent<M>): Promise<void> {
    return this.stops.cancel(sent, sent.turn)
  }

  /** Takes a prompt that could not be published out of the conversation. */
  discard(inputId: string): void {
    const sent = this.#prompt(inputId)
    if (!sent || !this.isFailed(sent)) return
    this.#sent.delete(sent)
    this.#refused.delete(sent)
    this.shared.tree.discardLocal(inputId)
    sent.run.abandon(new SessionError('unable to run the prompt; it was discarded', ErrorCode.Closed))
    this.shared.flush()
  }

  /** Lets handles follow what the tree has settled. */
  follow(run: RunNode<M>): void {
    for (const sent of this.#sent) if (run.key === sent.runId || run.inputId === sent.inputId) this.#follow(sent)
    // NOTE: of those who answer at one time, the last on the channel wakes the agent
    const eventId = run.state.status === 'suspended' && newestAnswer(this.shared.tree, run)?.transport[Header.eventId]
    for (const sent of this.#sent)
      if (sent.eventId === eventId && !sent.wake && !sent.published && !this.#isEarly(sent)) this.#wake(sent)
  }

  /** The answers of this session to a message; only those that the channel has, unless all are wanted. */
  answersTo(messageId: string, all = true): readonly Answer[] {
    return [...this.#sent].flatMap((sent) =>
      sent.inputId === messageId && (all || !sent.published) ? sent.answers : [],
    )
  }

  /** Whether it is too early to go on: the reply is still being written, or waits for another answer. */
  #isEarly({ inputId, runId = '' }: Sent<M>): boolean {
    const { tree } = this.shared
    const reply = tree.nodeOf(inputId)?.message(inputId)
    if (tree.runs.get(runId)?.state.status === 'active') return true
    return !!reply && !!tree.codec.waits?.(reply, this.answersTo(inputId, false))
  }

  /** Wakes the agent for what was refused and has come up on the channel all the same. */
  review(): void {
    for (const sent of this.#refused) {
      if (this.isFailed(sent)) continue
      this.#refused.delete(sent)
      sent.run.renew()
      this.#wake(sent)
    }
  }

  close(error: SessionError): void {
    this.#isClosed = true
    this.#refused.clear()
    for (const { run } of this.#sent) run.abandon(error)
    this.#sent.clear()
  }

  #follow(sent: Sent<M>): void {
    if (sent.run.follow() === 'ended') this.#sent.delete(sent)
  }

  #prompt(inputId: string): Sent<M> | undefined {
    for (const sent of this.#sent) if (sent.inputId === inputId && sent.runId === undefined) return sent
    return undefined
  }

  #keep(out: Outgoing, wakes: boolean, inputs: readonly Input<M>[]): Sent<M> {
    const answers = inputs.filter((input) => input.type === 'answer')
    const sent: Omit<Sent<M>, 'run'> = { ...out, wakes, answers }
    const run = new ActiveRun(this, sent as Sent<M>)
    const kept = Object.assign(sent, { run: this.shared.port.opaque(run) })
    this.#sent.add(kept)
    return kept
  }

  #show({ inputId, messages }: Outgoing): void {
    const { tree, channel } = this.shared
    tree.addLocal(inputId, localRows(messages, channel.clientId))
  }

  async #send(sent: Sent<M>, others: readonly Outgoing[] = [], turn?: Promise<void>): Promise<void> {
    try {
      const parent = this.#prompt(sent.place.parent ?? '')
      const former = this.#prompt(sent.place.forkOf ?? '')
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

  #move(sent: Sent<M>, to: Pick<Place, 'parent' | 'forkOf'>): void {
    this.#show(Object.assign(sent, moved(sent, to)))
  }

  async #publish(sent: Sent<M>, all: readonly Outgoing[]): Promise<void> {
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
      sent.run.abandon(error)
      flush()
      refresh()
      throw error
    }
  }

  #wake(sent: Sent<M>): void {
    const { agent, tree } = this.shared
    if (!agent || !sent.wakes || this.#isClosed || runTakenUp(tree, sent)) return
    sent.wake = this.wakes.wake(sent, (error) => {
      sent.run.abandon(error)
      // A prompt shows it where it stands; an answer or a wish for another reply stands nowhere
      if (!tree.inputs.has(sent.inputId)) this.shared.report(error)
    })
  }

  /** Publishes again what failed, and wakes the agent. */
  async republish(sent: Sent<M>): Promise<void> {
    if (!this.#sent.has(sent) || !this.isFailed(sent)) return
    this.shared.tree.retryLocal(sent.inputId)
    sent.run.renew()
    this.shared.flush()
    this.#refused.delete(sent)
    await (sent.published = this.#send(sent))
    this.#wake(sent)
  }

  /** Wakes the agent again, or at last, unless a run has taken it up. */
  rewake(sent: Sent<M>): void {
    if (runTakenUp(this.shared.tree, sent)) return
    sent.run.renew()
    const wake = this.wakes.infoOf(sent.eventId)
    if (wake) return wake.retry()
    sent.wakes = true
    this.#wake(sent)
  }
}
