import { AccessPolicy, type Trust } from './access'
import { Cancels } from './cancels'
import type { Codec } from './codec'
import { Forks, isFork } from './forks'
import { InputNode } from './input-node'
import { isAgents, Log } from './log'
import type { Row } from './row'
import type { TreeNode } from './node'
import { Nodes } from './nodes'
import { RunNode } from './run-node'
import { plainPort, type ReactivePort } from './signals'
import { Header, MessageName, type Headers } from './wire'

/**
 * Puts each row into the node it belongs to, and takes it out again. Where a row belongs depends on what rows say, not
 * on the order in which they arrive.
 */
export abstract class Placement<M extends object> extends Nodes<M> {
  readonly log: Log
  readonly access: AccessPolicy
  readonly #isAgentKnown: boolean
  /** Requests for another reply, by message id: no nodes, since they show nothing. */
  readonly requests = new Map<string, Row>()
  /** The run of the newest row. */
  #latest: RunNode<M> | undefined
  readonly forks = new Forks<M>((row) => this.access.canWrite(row, undefined))
  readonly cancels: Cancels<M> = new Cancels<M>(this)

  constructor(
    readonly codec: Codec<M>,
    readonly port: ReactivePort = plainPort,
    trust: Trust = {},
  ) {
    super()
    this.#isAgentKnown = trust.isAgent !== undefined
    this.log = new Log(trust.isAgent)
    this.access = new AccessPolicy(trust, this.runs)
  }

  /** Runs that go on from copies of this one's messages and take its place. */
  replacementsOf(run: RunNode<M>): readonly RunNode<M>[] {
    return this.forks.replacementsOf(run)
  }

  /** Answers that begin a run of their own of which nothing has been heard yet. */
  placeholderRuns(): IterableIterator<RunNode<M>> {
    return this.forks.placeholderRuns.values()
  }

  /** The node of an input that has no run of its own yet: a prompt, or an answer that begins a run. */
  inputNode(inputId: string): TreeNode<M> | undefined {
    return this.inputs.get(inputId) ?? this.forks.placeholderRuns.get(inputId)
  }

  protected place(row: Row): void {
    switch (row.name) {
      case MessageName.input:
        return this.#placeInput(row)
      case MessageName.output:
        return this.#placeOutput(row)
      case MessageName.cancel:
        return this.#placeCancel(row)
      default:
        return this.#placeLifecycle(row)
    }
  }

  #placeInput(row: Row): void {
    const { [Header.runId]: runId, [Header.messageId]: inputId, [Header.role]: role } = row.transport
    // NOTE: if the agents are known, other clients can only publish the role `user`
    if (runId !== undefined) return role === 'user' || !this.#isAgentKnown ? this.#placeOutput(row) : undefined
    if (inputId === undefined) return
    if (!this.codec.decodes(row)) {
      if (row.transport[Header.regenerates] !== undefined) this.#placeRequest(inputId, row)
    } else if (role === 'user') this.attachRow(this.ensureInput(inputId), row)
    else if (isFork(row)) this.#placeFork(inputId, row)
  }

  #placeRequest(inputId: string, row: Row): void {
    this.requests.set(inputId, row)
    this.#touchRequest(inputId)
  }

  /** Everything that names a run and has content: outputs, and inputs that answer into or steer a run. */
  #placeOutput(row: Row): void {
    const runId = row.transport[Header.runId]
    if (runId !== undefined && this.codec.decodes(row)) this.attachRow(this.#ensureRun(runId), row)
  }

  /** Reads again the forks that start with copies of a run, or replace it. */
  protected rereadForksOf(run: RunNode<M>): void {
    if (!run.takeNewToForks()) return
    for (const fork of this.forks.replacing(run)) {
      this.isRestructured = true
      // NOTE: in one direction only, since runs may claim to take each other's place
      if (fork === run || fork.serial < run.serial) continue
      fork.reread()
      this.dirty.add(fork)
    }
  }

  #placeFork(inputId: string, row: Row): void {
    this.forks.add(inputId, row)
    const fork = this.#runOfFork(inputId)
    this.attachRow(fork, row)
    this.#touchReplaced(row.transport, fork.isPlaceholder ? row : undefined)
  }

  /** A run that a fork replaces: other answers may count, and other runs may show in its place. */
  #touchReplaced({ [Header.supersedes]: runId = '' }: Headers, added?: Row): void {
    const run = this.runs.get(runId)
    if (!run) return
    if (!added) run.reread()
    else if (this.forks.mayReplace(run, added)) run.addFork(added)
    this.dirty.add(run)
  }

  /** The run that answers a fork: the first that says so on the channel; a placeholder until there is one. */
  #runOfFork(inputId: string): RunNode<M> {
    const isClaim = (row: Row): boolean => isAgents(row) && row.transport[Header.inputId] === inputId
    const claims = this.runsOf(inputId).map((run) => ({ run, serial: run.rows.find(isClaim)?.serial ?? '' }))
    if (claims.length > 0) return claims.reduce((low, claim) => (claim.serial < low.serial ? claim : low)).run
    const { placeholderRuns } = this.forks
    return placeholderRuns.get(inputId) ?? addTo(placeholderRuns, this.#newRun(inputId, true))
  }

  /** Moves the rows of a fork to the run that answers it. */
  protected adoptFork(inputId: string): void {
    const rows = this.forks.of(inputId)
    if (rows.length === 0) return
    const run = this.#runOfFork(inputId)
    for (const row of rows) {
      if (row.home === run) continue
      this.detachRow(row, row.transport)
      this.attachRow(run, row)
      this.#touchReplaced(row.transport)
    }
  }

  #placeLifecycle(row: Row): void {
    const runId = row.transport[Header.runId]
    if (runId === undefined) return
    const node = this.#ensureRun(runId)
    node.add(row)
    this.dirty.add(node)
  }

  #placeCancel(row: Row): void {
    if (!row.transport[Header.runId] && !row.transport[Header.inputId]) return
    const surplus = this.cancels.add(row)
    this.#touchTarget(row, row.transport)
    if (surplus) this.#forgetCancel(surplus)
    if (surplus === row || !this.#isStray(row)) return
    const oldest = this.cancels.addStray(row)
    // NOTE: the run or input of the oldest stray may be known by now
    if (oldest && this.#isStray(oldest)) this.#forgetCancel(oldest)
  }

  #forgetCancel(row: Row): void {
    this.#withdrawCancel(row, row.transport)
    this.log.forget(row)
  }

  #isStray({ transport: { [Header.runId]: runId, [Header.inputId]: inputId = '' } }: Row): boolean {
    const run = this.runs.get(runId ?? '')
    return runId === undefined ? !this.#knows(inputId) : !run?.isOwnerKnown
  }

  #knows(inputId: string): boolean {
    return (
      this.inputs.has(inputId) ||
      this.requests.has(inputId) ||
      this.runsOf(inputId).length > 0 ||
      this.forks.of(inputId).length > 0
    )
  }

  protected touchInput(inputId: string): void {
    const node = this.inputNode(inputId) ?? this.nodeOf(inputId)
    if (node) this.dirty.add(node)
    this.#touchRequest(inputId)
  }

  /** Marks the nodes that show a cancel as changed. */
  #touchTarget(cancel: Row, { [Header.runId]: runId, [Header.inputId]: inputId = '' }: Headers): void {
    const run = this.runs.get(runId ?? '')
    if (run) this.#touchRun(run, cancel)
    if (runId !== undefined) return
    for (const each of this.runsOf(inputId)) this.#touchRun(each, cancel)
    const node = this.inputNode(inputId)
    if (node && this.#mayCount(cancel, node.owner)) this.dirty.add(node)
    const request = this.requests.get(inputId)
    if (request && this.#mayCount(cancel, request.clientId)) this.#touchRequest(inputId)
  }

  #touchRun(run: RunNode<M>, cancel: Row): void {
    if (!this.#mayCount(cancel, run.owner)) return
    run.forgetInfo()
    this.dirty.add(run)
  }

  /**
   * False if policy refuses a cancel: a flood of those changes nothing that is shown, so it must not cost a refresh.
   */
  #mayCount(cancel: Row, owner: string | undefined): boolean {
    return owner === undefined || this.cancels.isAllowed(cancel, owner)
  }

  #touchRequest(inputId: string): void {
    this.dirty.add(inputId)
    this.isRestructured = true
  }

  /** Takes a row that said this out of the tree. */
  protected withdraw(row: Row, before: Headers): void {
    // NOTE: a row is looked for where it was, because it may have another name by now
    if (!row.home) {
      this.#withdrawRequest(row, before)
      return this.#withdrawCancel(row, before)
    }
    this.detachRow(row, before)
    this.forks.remove(row, before)
    this.#touchReplaced(before)
  }

  #withdrawRequest(row: Row, { [Header.messageId]: inputId = '' }: Headers): void {
    if (this.requests.get(inputId) !== row) return
    this.requests.delete(inputId)
    this.#touchRequest(inputId)
  }

  #withdrawCancel(row: Row, before: Headers): void {
    this.cancels.remove(row, before)
    this.#touchTarget(row, before)
  }

  protected ensureInput(inputId: string): InputNode<M> {
    return this.inputs.get(inputId) ?? addTo(this.inputs, new InputNode(inputId, this))
  }

  #ensureRun(runId: string): RunNode<M> {
    // NOTE: most rows are of the same run as the row before
    const latest = this.#latest
    if (latest?.key === runId && !latest.isGone) return latest
    return (this.#latest = this.runs.get(runId) ?? addTo(this.runs, this.#newRun(runId)))
  }

  #newRun(key: string, isPlaceholder?: boolean): RunNode<M> {
    return new RunNode(key, this, isPlaceholder)
  }
}

function addTo<N extends { readonly key: string }>(nodes: Map<string, N>, node: N): N {
  nodes.set(node.key, node)
  return node
}
