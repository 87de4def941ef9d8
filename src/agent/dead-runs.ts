import { bySerial } from '../core/collections'
import { ErrorCode, toSessionError, unableTo, type SessionError } from '../core/errors'
import type { Row } from '../core/rows'
import { cancelledSilenceLimit, foreignSilenceLimit, isNamedByPresence, silenceLimit } from '../core/run-info'
import type { RunNode } from '../core/run-node'
import type { RunEndReason } from '../core/run-state'
import type { Tree } from '../core/tree'
import { Header, MessageName } from '../core/wire'
import type { RunHooks, StepReason } from './agent-run'
import type { AgentChannel } from './channel'
import { declareEnd, idPart, invocationOf } from './claim'
import { Decisions, firstAccepted } from './cancel-queues'
import { isRefused, sentAt } from './cancel-review'
import { BusyError, HandledError } from './errors'
import { cancelRefused, stepEnd, type RunIdentity } from './run-messages'
import { acceptsCancel } from './hooks'
import { maxRunMessages, readRun, settleFully } from './lookup'
import { RunPublisher } from './run-publisher'
import { answersFor } from './live-run'
import { resolvesWithin } from '../core/signals'

/** Milliseconds of silence after which a stalled run is ended: Ably keeps a lost connection for two minutes. */
const endedAfter = 120_000
/** How much history to look through for stalled runs, in messages. */
const maxMessages = 1000

/**
 * Milliseconds that a decision on the cancels of a dead run may take, and then the refusals: shorter than the timeout
 * of clients, because they would report another failure.
 */
const decisionLimit = 8000

/** The search for dead runs that is under way on each channel. */
const ending = new WeakMap<object, Promise<void>>()

/** Settles when the search for dead runs that is under way on a channel is over; never rejects. */
export const deadRunsEnded = (channel: object): Promise<void> => ending.get(channel) ?? Promise.resolve()

/** The decisions on cancels of dead runs: many wakes for a cancel ask its hook once. */
const decided = new WeakMap<Row, Promise<boolean>>()
const deciders = new WeakMap<RunNode<object>, Decisions>()
/** Cancels whose decision took too long: it counts once it is there, and nothing waits for it again. */
const overdue = new WeakSet<Row>()

/** A run without a sign of its agent. */
interface SilentRun<M extends object> {
  readonly run: RunNode<M>
  /** In milliseconds. */
  readonly silence: number
}

/**
 * Ends runs of a session whose agent is gone. The channel stores each of its messages once, however many agents try.
 */
export class DeadRuns<M extends object> {
  readonly #channel: AgentChannel<M, unknown>
  readonly #hooks: Pick<RunHooks<unknown>, 'onCancel'>
  readonly #publisher: RunPublisher
  readonly #invocationId: string

  /** @param invocationId - the invocation that ends the runs */
  constructor(channel: AgentChannel<M, unknown>, hooks: Pick<RunHooks<unknown>, 'onCancel'>, invocationId: string) {
    this.#channel = channel
    this.#hooks = hooks
    this.#publisher = new RunPublisher(channel)
    this.#invocationId = invocationId
  }

  /**
   * Ends the run that a cancel names, if no live agent can hear the cancel; then the other runs, as `endAll` does.
   *
   * @param cancel - the cancel that has woken this agent
   * @throws HandledError once there is nothing more to do, {@link BusyError} while the run's agent may still be there
   */
  async endCancelled(cancel: Row, signal: AbortSignal): Promise<never> {
    const runId = await this.#runIdOf(cancel)
    const run = runId === undefined ? undefined : await readRun(this.#channel, runId, signal)
    const isDecided = !run || this.#isOwn(run) || (await this.#endIfDead(run, cancel))
    // NOTE: of a flood of cancels a run of this process may not know this one
    this.#channel.hearCancel(cancel)
    await this.endAll()
    settleFully(this.#channel.tree)
    if (!isDecided && !run.hasEnded) throw new BusyError('the hook for cancels has not decided')
    throw new HandledError(run?.key ?? runId ?? '', run ? invocationOf(run) : '')
  }

  /** A cancel names its run, or the input that the run answers. */
  async #runIdOf({ transport }: Row): Promise<string | undefined> {
    const { tree, history } = this.#channel
    const { [Header.runId]: runId, [Header.inputId]: inputId } = transport
    if (runId !== undefined || inputId === undefined) return runId
    const answer = (): string | undefined => {
      tree.settle()
      return tree.runsOf(inputId).findLast((run) => run.visible)?.key
    }
    await history.readUntil(() => answer() !== undefined, maxRunMessages)
    return answer()
  }

  /** @returns whether the cancel is decided on, or need not be */
  async #endIfDead(run: RunNode<M>, cancel: Row): Promise<boolean> {
    // NOTE: the agent that has ended it may be gone before it wrote that to the archive
    if (run.hasEnded) await this.#channel.archived(run.key)
    if (run.hasEnded || (run.state.status !== 'suspended' && !(await this.#isGone(run)))) return true
    const isAccepted = await this.#isCancelAccepted(run, cancel)
    if (isAccepted) await this.#end(run, 'cancelled')
    return isAccepted !== undefined
  }

  /** @throws {@link BusyError} while that cannot be told */
  async #isGone(run: RunNode<M>): Promise<boolean> {
    const named = isNamedByPresence(run) ? await this.#channel.runsInPresence() : new Set()
    if (!named) throw new BusyError('presence cannot be read')
    if (named.has(run.key)) return false
    const silence = (await this.#channel.uplink.time()) - this.#channel.lastActivity(run.key)
    if (silence < cancelLimitOf(run))
      throw new BusyError(`run "${run.key}" was active ${Math.round(silence / 1000)} s ago`)
    return true
  }

  /**
   * Ends the stalled runs of the session: those that were cancelled as cancelled, those that have been stalled for two
   * minutes as an error. Also ends suspended runs that were cancelled. Never rejects: failures are reported.
   */
  async endAll(): Promise<void> {
    const running = ending.get(this.#channel)
    // NOTE: many cancels may wake an agent at once, and one look at the session serves them all
    if (running) return running
    const work = this.#endAll()
      .catch((cause: unknown) => this.#fail(cause))
      .finally(() => ending.delete(this.#channel))
    ending.set(this.#channel, work)
    return work
  }

  #fail(cause: unknown): void {
    this.#channel.report(toSessionError('end stalled runs', ErrorCode.LifecyclePublishFailed, cause))
  }

  async #endAll(): Promise<void> {
    const { tree, history } = this.#channel
    // NOTE: an archive that cannot be read must not keep the runs that Ably knows
    await history.readUntil(() => history.readCount >= maxMessages).catch((cause: unknown) => this.#fail(cause))
    settleFully(tree)
    const open = [...tree.runs.values()].filter((run) => run.visible && !run.hasEnded && !this.#isOwn(run))
    const isCancelled = (run: RunNode<M>): boolean => cancelsOf(tree, run).length > 0
    const isSuspended = (run: RunNode<M>): boolean => run.state.status === 'suspended'
    const suspended = open.filter((run) => isSuspended(run) && isCancelled(run))
    const active = open.filter((run) => !isSuspended(run) && (isNamedByPresence(run) || isCancelled(run)))
    const silent = await this.#silentAmong(active)
    const settle = async (run: RunNode<M>, isLost: boolean): Promise<void> => {
      if (await this.#isCancelAccepted(run)) await this.#end(run, 'cancelled')
      else if (isLost) await this.#end(run, 'error', goneError())
    }
    const dead = silent.filter(({ run, silence }) => silence >= cancelLimitOf(run))
    await Promise.all([
      ...suspended.map((run) => settle(run, false)),
      ...dead.map(({ run, silence }) => settle(run, isNamedByPresence(run) && silence >= endedAfter)),
    ])
  }

  /** Ids of the stalled runs among these. */
  async stalledAmong(runs: readonly RunNode<M>[]): Promise<ReadonlySet<string>> {
    const silent = await this.#silentAmong(runs.filter((run) => isNamedByPresence(run) && !this.#isOwn(run)))
    return new Set(silent.filter(({ silence }) => silence >= silenceLimit).map(({ run }) => run.key))
  }

  /** The runs that no present agent names, with how long they have been silent. */
  async #silentAmong(runs: readonly RunNode<M>[]): Promise<readonly SilentRun<M>[]> {
    if (runs.length === 0) return []
    const { uplink } = this.#channel
    const named = runs.some((run) => isNamedByPresence(run)) ? await this.#channel.runsInPresence() : undefined
    const unnamed = runs.filter((run) => !isNamedByPresence(run) || (named && !named.has(run.key)))
    if (unnamed.length === 0) return []
    const now = await uplink.time()
    return unnamed.map((run) => ({ run, silence: now - this.#channel.lastActivity(run.key) }))
  }

  #isOwn(run: RunNode<M>): boolean {
    return [...this.#channel.runs].some(({ runId, hasFailedToEnd }) => runId === run.key && !hasFailedToEnd)
  }

  /**
   * Whether policy and hook accept a cancel of the run; otherwise its cancels are refused. Of each client only the
   * newest counts. Undefined if the hook takes too long.
   *
   * @param heard - the cancel that woke the agent: of a flood of cancels the tree keeps few
   */
  async #isCancelAccepted(run: RunNode<M>, heard?: Row): Promise<boolean | undefined> {
    const { cancels } = this.#channel.tree
    const open = cancelsOf(this.#channel.tree, run, heard).filter((cancel) => !isRefused(cancel, run))
    const newest = [...new Map(open.map((cancel) => [cancel.clientId, cancel])).values()]
    const allowed = newest.filter((cancel) => cancels.isAllowed(cancel, run.owner))
    const first = firstAccepted(allowed, (cancel) => this.#decide(run, cancel))
    const isOverdue = allowed.every((cancel) => overdue.has(cancel))
    if (!(await resolvesWithin(first, isOverdue ? 0 : decisionLimit))) {
      for (const cancel of allowed) overdue.add(cancel)
      return undefined
    }
    const isAccepted = (await first) !== undefined
    if (!isAccepted) {
      const refused = Promise.all(newest.map((cancel) => this.#refuse(run, cancel)))
      await resolvesWithin(refused, decisionLimit)
    }
    return isAccepted
  }

  #decide(run: RunNode<M>, cancel: Row): Promise<boolean> {
    const known = decided.get(cancel)
    if (known) return known
    let decider = deciders.get(run)
    if (!decider) deciders.set(run, (decider = new Decisions((each) => this.#accepts(run, each))))
    const decision = decider.on(cancel)
    decided.set(cancel, decision)
    return decision
  }

  #accepts({ key: runId, owner: ownerClientId }: RunNode<M>, cancel: Row): Promise<boolean> {
    return acceptsCancel(this.#channel, this.#hooks.onCancel, cancel, { runId, ownerClientId })
  }

  #refuse(run: RunNode<M>, cancel: Row): Promise<void> {
    return this.#channel.refusals.add(run, {
      clientId: cancel.clientId,
      isDue: () => !this.#channel.isClosed && !run.hasEnded && !isRefused(cancel, run),
      publish: () =>
        this.#publisher.declare('refuse a cancel', cancelRefused(this.#identityOf(run), cancel), 'background'),
    })
  }

  async #end(run: RunNode<M>, reason: RunEndReason, error?: SessionError): Promise<void> {
    if (run.hasEnded) return
    const ending = { reason, failure: error, answers: answersFor(run) }
    await this.#endSteps(run, reason === 'cancelled' ? 'cancelled' : 'failed')
    await declareEnd(this.#channel, this.#publisher, this.#identityOf(run), ending)
    await this.#publisher.closeOrphanedStreams(this.#channel.tree, run.key)
    await this.#channel.archived(run.key)
  }

  /** Ends the steps that the run's agent has left open. */
  async #endSteps(run: RunNode<M>, reason: StepReason): Promise<void> {
    const starts = run.rows.filter(({ name }) => name === MessageName.stepStart)
    for (const { stepId, status, stepClientId } of run.fold.steps) {
      const attempt = starts.findLast(({ transport }) => transport[Header.stepId] === stepId)?.serial
      if (status !== 'active' || attempt === undefined) continue
      const end = stepEnd(this.#identityOf(run), { stepId, clientId: stepClientId, attempt }, reason)
      const id = `${idPart(attempt)}-end:0`
      await this.#publisher.declare('end the step', { id, ...end }).catch(this.#channel.report)
    }
  }

  #identityOf(run: RunNode<M>): RunIdentity {
    const { owner, inputId } = run
    const start = run.start?.transport
    return {
      runId: run.key,
      invocationId: this.#invocationId,
      owner: start?.[Header.owner] ?? run.info().clientId,
      inputClientId: owner,
      inputId,
      startParent: undefined,
      parent: undefined,
      forkOf: undefined,
      regenerates: undefined,
    }
  }
}

/** The cancels of a run and of its prompt, by serial, allowed or not. */
function cancelsOf(tree: Tree<object>, run: RunNode<object>, heard?: Row): Row[] {
  const { cancels } = tree
  const since = sentAt(tree, run)
  const rows = new Set([...cancels.namingRun(run.key), ...cancels.naming(run.inputId ?? ''), ...(heard ? [heard] : [])])
  return [...rows].filter(({ serial }) => serial > since).toSorted(bySerial)
}

/** Milliseconds of silence after which a cancelled run that no present agent names is ended. */
const cancelLimitOf = (run: RunNode<object>): number =>
  isNamedByPresence(run) ? cancelledSilenceLimit : foreignSilenceLimit

const goneError = (): SessionError =>
  unableTo('finish the answer', 'its agent stopped responding', ErrorCode.StreamFailed)
