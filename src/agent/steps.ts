import { newId } from '../core/wire'
import type { AgentStep, PipeResult, RetryOptions, StepOptions, StepReason } from './agent-run'
import { outputHeaders, stepEnd, stepStart, type StepIdentity } from './headers'
import type { LiveRun } from './live-run'
import { MessageWriter } from './message-writer'

/** One attempt of a step on the channel. */
export class StepAttempt<Chunk> {
  /** The result of the attempt; undefined while it is open. */
  outcome: StepReason | undefined
  /** The result of its last pipe. */
  lastPipe: PipeResult | undefined
  readonly identity: StepIdentity
  readonly #run: LiveRun<object, Chunk>
  #closing: Promise<void> | undefined

  constructor(run: LiveRun<object, Chunk>, identity: StepIdentity) {
    this.#run = run
    this.identity = identity
  }

  /**
   * Opens a message in the attempt.
   *
   * @param steers - message ids of the steers that the message answers besides the run's trigger
   */
  openMessage(steers: readonly string[]): MessageWriter<Chunk> {
    const { channel, publisher, published, identity } = this.#run
    const messageId = newId()
    const headers = outputHeaders(identity, this.identity, messageId, steers)
    return new MessageWriter(publisher, channel.codec.encoder(messageId), headers, channel.report, published)
  }

  /** Publishes the end of the attempt, once. Never rejects. */
  close(reason: StepReason): Promise<void> {
    return (this.#closing ??= this.#publishEnd(reason))
  }

  async #publishEnd(reason: StepReason): Promise<void> {
    this.outcome = reason
    const { publisher, identity, channel } = this.#run
    const end = stepEnd(identity, this.identity, reason)
    if (!publisher.isShut) await publisher.declare('publish the end of a step', end).catch(channel.report)
  }
}

/** The steps that this invocation opens in its run. */
export class Steps<Chunk> {
  readonly #run: LiveRun<object, Chunk>
  #count = 0
  #last: StepAttempt<Chunk> | undefined

  constructor(run: LiveRun<object, Chunk>) {
    this.#run = run
  }

  /** Opens an attempt of a step; without an id it opens a new step. */
  async open({ id, clientId }: StepOptions): Promise<StepAttempt<Chunk>> {
    const { publisher, published, identity } = this.#run
    const opening = { stepId: id ?? this.#newId(), clientId: clientId ?? this.#lastClientId() }
    const attempt = await publisher.declare('publish the start of a step', stepStart(identity, opening), 'opening')
    published.addAttempt(attempt, opening.stepId)
    return (this.#last = new StepAttempt(this.#run, { ...opening, attempt }))
  }

  /** Id of the previous step if it failed: reopening it replaces its output. */
  get failedId(): string | undefined {
    return this.#last?.outcome === 'failed' ? this.#last.identity.stepId : undefined
  }

  // NOTE: another process may have opened steps for this invocation
  #newId(): string {
    const taken = new Set(this.#known().map(({ stepId }) => stepId))
    for (;;) {
      const id = `${this.#run.invocationId}-step-${this.#count++}`
      if (!taken.has(id)) return id
    }
  }

  #lastClientId(): string {
    const last = this.#last?.identity.clientId ?? this.#known().at(-1)?.stepClientId
    return last ?? this.#run.identity.inputClientId ?? ''
  }

  /** The steps of the run on the channel. */
  #known() {
    const { tree } = this.#run.channel
    tree.settle()
    return tree.runs.get(this.#run.runId)?.state.steps ?? []
  }
}

/** The message that one pipe fills. */
export interface Reply<Chunk> {
  readonly message: MessageWriter<Chunk>
  /** The step that was opened for the message, and ends with it. */
  readonly step?: StepAttempt<Chunk>
}

/** A step while it is open. */
export interface OpenStep<Chunk> extends AgentStep<Chunk> {
  /** Waits for a running pipe; resolves with the result of the step's last pipe. */
  settled(): Promise<PipeResult | undefined>
}

/**
 * Runs a function inside a step, and retries it under the step's id when it throws or its last pipe fails.
 *
 * @param open - opens an attempt
 */
export async function tryStep<Chunk, T>(
  work: (step: AgentStep<Chunk>) => T | PromiseLike<T>,
  { retries = 0, ...options }: RetryOptions,
  open: (options: StepOptions) => Promise<OpenStep<Chunk>>,
  signal: AbortSignal,
): Promise<T> {
  let { id } = options
  for (let left = retries; ; left--) {
    const step = await open({ ...options, id })
    id = step.stepId
    const attempt = await tryOnce(step, work)
    await step.end('failure' in attempt ? (signal.aborted ? 'cancelled' : 'failed') : undefined)
    if ('value' in attempt) return attempt.value
    if (left <= 0 || signal.aborted) throw attempt.failure
  }
}

async function tryOnce<Chunk, T>(
  step: OpenStep<Chunk>,
  work: (step: AgentStep<Chunk>) => T | PromiseLike<T>,
): Promise<{ value: T } | { failure: unknown }> {
  try {
    const value = await work(step)
    const last = await step.settled()
    return last?.reason === 'error' ? { failure: last.error } : { value }
  } catch (failure) {
    return { failure }
  }
}
