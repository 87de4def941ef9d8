import type { Answer } from '../core/codec'
import { MultiMap } from '../core/collections'
import { warn } from '../core/diagnostics'
import { ErrorCode, toSessionError, type SessionError } from '../core/errors'
import type { InputNode } from '../core/input-node'
import type { WakeInfo } from '../core/run-info'
import type { RunNode } from '../core/run-node'
import { runError } from '../core/run-state'
import { Header } from '../core/wire'
import type { SessionContext } from './context'
import { encodeInput, localRows, moveInput, type Place, type PlacedInput } from './placed-input'
import {
  acceptedRun,
  checkAnswers,
  newestAnswer,
  runOf,
  subjectOf,
  Submission,
  targetOf,
  tellOutdone,
  type Trigger,
} from './submission'
import type { Wakes } from './wake'

/** Everything that this client has sent, until the runs it leads to have ended. */
export class Submissions<M extends object> {
  readonly #session: SessionContext<M>
  readonly #wakes: Wakes<M>
  /** By the run that they go into, or else by their message id. */
  readonly #sent = new MultiMap<Submission>()

  constructor(session: SessionContext<M>, wakes: Wakes<M>) {
    this.#session = session
    this.#wakes = wakes
  }

  /** A submission that starts a run, by its message id. */
  find(inputId = ''): Submission | undefined {
    return this.#sent.of(inputId).find(({ runId }) => runId === undefined)
  }

  /** The submission of an event; undefined for events of other clients. */
  #of(trigger: Trigger): Submission | undefined {
    return this.#sent.of(targetOf(trigger)).find(({ eventId }) => eventId === trigger.eventId)
  }

  /** The newest answer into a run that no agent has accepted. */
  unacknowledgedIn(runId: string): Submission | undefined {
    return this.#sent.of(runId).findLast((submission) => !acceptedRun(this.#session.tree, submission))
  }

  /** The answers of this session to a message. */
  answersTo(messageId: string): readonly Answer[] {
    return this.#answering(messageId).flatMap(({ answers }) => answers)
  }

  // NOTE: the run of a forked answer holds the message later, and has another id
  #answering(messageId: string): readonly Submission[] {
    const { key = messageId } = this.#session.tree.nodeOf(messageId) ?? {}
    const sent = [...new Set([key, messageId])].flatMap((target) => this.#sent.of(target))
    return sent.filter(({ inputId }) => inputId === messageId)
  }

  isFailed({ inputId }: Pick<Submission, 'inputId'>): boolean {
    return this.#session.tree.inputs.get(inputId)?.isFailed ?? false
  }

  /**
   * Publishes inputs in order; the last one is the one that the agent is woken with. Resolves when the channel has
   * them.
   *
   * @param onPlaced - Called when the input is in the tree; publishing waits for the returned promise.
   */
  async send(
    { inputs, place }: PlacedInput<M>,
    wakes = true,
    onPlaced?: (inputId: string) => Promise<unknown> | undefined,
  ): Promise<Submission> {
    const { channel, options, tree } = this.#session
    this.#session.checkOpen('send')
    const known = place.eventId ? this.find(place.messageId) : undefined
    if (known) {
      await (this.isFailed(known) ? this.retry(known) : known.publishing)
      return known
    }
    const encoded = inputs.map((input) => encodeInput(tree.codec, input, place, channel.clientId, options.device))
    const answers = inputs.filter((input) => input.type === 'answer')
    const submission = new Submission(place, encoded, answers, wakes)
    await this.#session.act(() => {
      this.#add(submission)
      // NOTE: the channel may have forgotten the id of a prompt that another tab has sent
      if (tree.inputs.get(submission.inputId)?.isSent) {
        this.#settle(submission)
        return this.#wakeOnce(submission)
      }
      if (inputs.at(-1)!.type === 'message') this.#show(submission)
      const turn = onPlaced?.(submission.inputId)
      return this.#publish(submission, turn)
    })
    return submission
  }

  /** Publishes a failed prompt again, or wakes the agent again, unless a run has accepted the input. */
  async retry(submission: Submission): Promise<void> {
    const { tree } = this.#session
    if (acceptedRun(tree, submission)) return
    if (submission.publishing) return void (await submission.publishing)
    if (!this.isFailed(submission)) {
      this.wake(submission)
      return void this.follow(submission)
    }
    await this.#session.act(() => {
      tree.setLocalError(submission.inputId)
      return this.#publish(submission)
    })
  }

  /**
   * Wakes the agent for a pending input of any client; again if that was done before.
   * @throws SessionError 40003 when the session has no agent, 104004 when it is closed.
   */
  wake(trigger: Trigger): WakeInfo {
    const { inputId, runId, eventId } = trigger
    // NOTE: looked up each time, so that an abandoned submission is not held by its wake
    const wake = this.#wakes.wake(trigger, (error) => this.#abandon(this.#of({ inputId, runId, eventId }), error))
    const submission = this.#of(trigger)
    submission?.restore()
    if (submission) submission.wake = wake
    return wake
  }

  /**
   * A submission that a handle asks about; if it was abandoned, it is tracked again once it is woken for or has a run.
   */
  follow(submission: Submission): Submission {
    if (submission.isAbandoned && !this.#of(submission)) {
      const { state = 'failed' } = this.#wakes.of(submission)?.info ?? {}
      if (state !== 'failed' || runOf(this.#session.tree, submission)?.visible) {
        submission.restore()
        this.#add(submission)
        this.#settle(submission)
      }
    }
    return submission
  }

  /** Takes a prompt that could not be published out of the conversation. */
  discard(inputId: string): void {
    const submission = this.find(inputId)
    if (!submission || !this.isFailed(submission)) return
    this.#session.act(() => {
      this.#remove(submission)
      this.#session.tree.discardLocal(inputId)
    })
  }

  /** Settles the submissions of a run that has changed, and wakes its agent once answers are complete. */
  apply(run: RunNode<M>): void {
    // NOTE: pages of history have thousands of runs, and most clients have sent nothing
    if (this.#sent.size === 0) return
    for (const submission of this.#sent.of(run.inputId ?? '').slice()) this.#settle(submission)
    const answers = this.#sent.of(run.key).slice()
    // NOTE: of several clients that answer at the same time, the last one on the channel wakes the agent
    const newest = answers.length > 0 ? newestAnswer(run)?.transport[Header.eventId] : undefined
    for (const submission of answers) {
      this.#settle(submission)
      const isNewest = submission.inputs.some(({ eventId }) => eventId === newest)
      if (isNewest && !this.#isEarly(submission)) this.#wakeOnce(submission)
    }
  }

  /** Wakes the agent for a prompt that is on the channel without a wake: its publish seemed to fail. */
  applyPrompt(node: InputNode<M>): void {
    const submission = this.find(node.key)
    if (submission && node.isSent) this.#wakeOnce(submission)
  }

  close(error: SessionError): void {
    for (const submission of this.#sent.values()) {
      submission.shouldWake = false
      submission.abandon(error)
    }
  }

  #add(submission: Submission): void {
    this.#sent.add(targetOf(submission), submission)
    this.#session.touch(subjectOf(this.#session.tree, submission))
  }

  #remove(submission: Submission): void {
    this.#sent.remove(targetOf(submission), submission)
    this.#session.touch(subjectOf(this.#session.tree, submission))
  }

  #show({ inputId, messages }: Submission): void {
    const { tree, channel } = this.#session
    tree.addLocal(inputId, localRows(messages, channel.clientId))
  }

  #publish(submission: Submission, turn?: Promise<unknown>): Promise<void> {
    return (submission.publishing = this.#session.waits.whileSending(() => this.#send(submission, turn)))
  }

  async #send(submission: Submission, turn?: Promise<unknown>): Promise<void> {
    const { outbox, tree } = this.#session
    const { answers, inputId } = submission
    try {
      const parent = this.find(submission.place.parent)
      const former = this.find(submission.place.forkOf)
      const turns = [turn, parent?.publishing, former?.publishing].filter((each) => each !== undefined)
      if (turns.length > 0) await (submission.waitsFor = Promise.allSettled(turns))
      submission.waitsFor = undefined
      const published = this.#session.act(() => {
        // NOTE: no other client knows a failed prompt, so its successor takes its place
        if (parent && this.isFailed(parent)) this.#move(submission, { parent: parent.place.parent })
        if (former && this.isFailed(former)) {
          this.#move(submission, { forkOf: former.place.forkOf })
          this.discard(former.inputId)
        }
        // NOTE: another tab may have sent a prompt of this id, and this one has perhaps not heard of it yet
        const isNeeded = (): boolean | undefined =>
          this.#session.isCatchingUp ? undefined : !tree.inputs.get(inputId)?.isSent
        return submission.inputs.map(({ messages }) =>
          outbox.publish(messages, submission.place.eventId ? isNeeded : undefined),
        )
      })
      submission.serials = (await Promise.all(published)).flat()
      if (answers.length > 0) await checkAnswers(this.#session, submission)
    } catch (cause) {
      const action = answers[0] ? 'answer' : submission.place.regenerates ? 'regenerate' : 'send the prompt'
      const error = toSessionError(action, ErrorCode.SendFailed, cause)
      this.#session.act(() => {
        tree.setLocalError(inputId, { code: error.code, message: error.message })
        if (!this.isFailed(submission)) this.#remove(submission)
      })
      throw error
    } finally {
      submission.publishing = undefined
    }
    // NOTE: in the same turn, so that of answers that are accepted together only the last one wakes the agent
    if (answers.length === 0 || !this.#isEarly(submission)) this.#wakeOnce(submission)
  }

  #move(submission: Submission, to: Pick<Place, 'parent' | 'forkOf'>): void {
    submission.place = { ...submission.place, ...to }
    submission.inputs = submission.inputs.map((input) => moveInput(input, submission.place))
    this.#show(submission)
  }

  #settle(submission: Submission): void {
    const { tree } = this.#session
    const run = acceptedRun(tree, submission)
    if (!run) return
    tellOutdone(this.#session, submission, run)
    if (submission.settle(run.info())) this.#remove(submission)
  }

  /** Wakes the agent for an input that is on the channel, unless that was done before. */
  #wakeOnce(submission: Submission): void {
    const { options, tree } = this.#session
    if (submission.publishing || this.#wakes.of(submission)) return
    warn('agentMissing', options, submission)
    if (options.agent && submission.shouldWake && !acceptedRun(tree, submission)) this.wake(submission)
  }

  /** An input that was cancelled before a run began leads nowhere, unless the user wants it after all. */
  #abandon(submission: Submission | undefined, error: SessionError): void {
    if (!submission) return
    const { tree } = this.#session
    submission.abandon(error)
    if (error.code === ErrorCode.Cancelled) return this.#remove(submission)
    if (!runOf(tree, submission)) submission.finish({ reason: 'error', error: runError(error) })
    if (!tree.inputs.has(submission.inputId)) {
      // Prompts show the error themselves; answers and regenerations have no message that could
      this.#session.report(error)
    }
  }

  /** Whether the agent cannot go on yet: the reply is still being written, or waits for another answer. */
  #isEarly({ inputId, runId = '' }: Submission): boolean {
    const { tree } = this.#session
    if (tree.runs.get(runId)?.state.status === 'active') return true
    const reply = tree.nodeOf(inputId)?.message(inputId)
    const published = this.#answering(inputId).flatMap(({ answers, publishing }) => (publishing ? [] : answers))
    return !!reply && !!tree.codec.waits?.(reply, published)
  }
}
