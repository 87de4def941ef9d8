import { ErrorCode, toSessionError } from '../core/errors'
import { newId } from '../core/id'
import type { Row } from '../core/log'
import type { Cancelling } from '../core/run-info'
import type { RunNode } from '../core/run-node'
import { Header, headers, MessageName } from '../core/wire'
import type { Shared } from './shared'
import { runOf, type Trigger } from './trigger'
import type { Wakes } from './wakes'

/** A run by its id, or what has not started by its message id; an entry of `pending()` will do. */
export type CancelTarget = string | { readonly inputId: string; readonly runId?: string }

/** How long a request to stop may go without a sign of the agent, in milliseconds. */
const answerLimit = 5000

/** The last sign of life of a run that is to stop. */
interface Watch {
  version: string
  at: number
}

/** Requests to stop: those that this session makes, and how long all of them have been waiting. */
export class Stops<M extends object> {
  /** Own requests whose row has not come, by the run or message they name; those on the channel with its serial. */
  readonly #own = new Map<string, { readonly stop: Cancelling; readonly serial?: string }>()
  readonly #watched = new Map<RunNode<M>, Watch>()

  constructor(
    private readonly shared: Shared<M>,
    private readonly wakes: Wakes<M>,
  ) {}

  /** Publishes a request to stop, behind what it is about if that is still to come; resolves when the channel has it. */
  async cancel(target: CancelTarget | Trigger, turn?: Promise<unknown>): Promise<void> {
    const { outbox, channel, tree } = this.shared
    const { runId, inputId, eventId }: Partial<Trigger> = typeof target === 'string' ? { runId: target } : target
    const id = newId()
    const transport = headers({
      [Header.eventId]: id,
      [Header.runId]: runId,
      [Header.inputId]: inputId,
    })
    const publish = (): Promise<readonly string[]> =>
      outbox.publish([{ id: `${id}:0`, name: MessageName.cancel, extras: { ai: { transport } } }])
    const published = turn ? turn.then(publish) : publish()
    const key = runId ?? inputId!
    this.#note(key, { stop: { by: channel.clientId, at: Date.now(), pending: true } })
    try {
      const [serial] = await published
      this.#note(key, { stop: { by: channel.clientId, at: Date.now() }, serial })
      if (inputId !== undefined && !runOf(tree, { inputId, runId })) this.wakes.giveUp(eventId)
    } catch (cause) {
      this.#note(key, undefined)
      throw toSessionError('cancel the run', ErrorCode.SendFailed, cause)
    }
  }

  /** The request to stop what has not started. */
  of(inputId: string): Cancelling | undefined {
    const [cancel] = this.shared.tree.cancelsBeforeStart(inputId)
    if (!cancel) return this.#ownOf(inputId)
    const { clock } = this.shared
    const isUnanswered = this.shared.isInStep() && clock.hasCome(clock.since(cancel) + answerLimit)
    return { by: cancel.clientId, at: cancel.timestamp, ...(isUnanswered && { unanswered: true }) }
  }

  /** Follows a run that the channel told something about. */
  follow(run: RunNode<M>): void {
    if (this.#review(run)) this.shared.refresh([run])
  }

  /** Looks at all runs that are to stop, since time has passed; answers with those of which something else is to be said. */
  review(): readonly RunNode<M>[] {
    return [...this.#watched.keys()].filter((run) => this.#review(run))
  }

  /** An own request until its row has come: what that says counts, also when it is that nobody heeds it. */
  #ownOf(key: string): Cancelling | undefined {
    const own = this.#own.get(key)
    if (own?.serial === undefined || !this.shared.tree.log.get(own.serial)) return own?.stop
    this.#own.delete(key)
    return undefined
  }

  /** Shows an own request before the channel has it. */
  #note(key: string, own: { stop: Cancelling; serial?: string } | undefined): void {
    const { tree, refresh } = this.shared
    if (own) this.#own.set(key, own)
    else this.#own.delete(key)
    const run = tree.runs.get(key) ?? runOf(tree, { inputId: key })
    if (run) this.#review(run)
    refresh(run && [run])
  }

  /** True when what is to be said about the stopping of a run has changed. */
  #review(run: RunNode<M>): boolean {
    const { tree } = this.shared
    const cancel = run.hasEnded ? undefined : tree.cancelsOfNode(run)[0]
    const key = this.#own.has(run.key) ? run.key : (run.inputId ?? '')
    if (cancel || run.hasEnded) this.#own.delete(key)
    if (cancel) return run.setCancelState(this.#isUnanswered(run, cancel) ? { unanswered: true } : undefined)
    this.#watched.delete(run)
    return run.setCancelState(this.#ownOf(key))
  }

  #isUnanswered(run: RunNode<M>, cancel: Row): boolean {
    const { clock, isInStep } = this.shared
    const version = newestOf(run)
    let watch = this.#watched.get(run)
    if (!watch) this.#watched.set(run, (watch = { version: cancel.serial, at: clock.since(cancel) }))
    if (version > watch.version || !isInStep()) Object.assign(watch, { version, at: Date.now() })
    if (!clock.hasCome(watch.at + answerLimit)) return false
    // A run that stirs after all is noticed a little later
    clock.hasCome(Date.now() + answerLimit)
    return true
  }
}

/** The newest version of anything that the agent has said in a run. */
const newestOf = (run: RunNode<object>): string =>
  run
    .allRows()
    .reduce((newest, { name, version }) => (name !== MessageName.cancel && version > newest ? version : newest), '')
