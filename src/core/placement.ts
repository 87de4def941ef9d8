import type { Cancels } from './cancels'
import { isFork } from './forks'
import { isAgents } from './log'
import type { Nodes } from './nodes'
import type { Row } from './rows'
import type { RunNode } from './run-node'
import { Header, MessageName, type Headers } from './wire'

/**
 * Puts each row into the node it belongs to, and takes it out again. Where a row belongs depends on what rows say, not
 * on the order in which they arrive.
 */
export class Placement<M extends object> {
  readonly #nodes: Nodes<M>
  readonly #cancels: Cancels<M>
  readonly #isAgentKnown: boolean

  constructor(nodes: Nodes<M>, cancels: Cancels<M>, isAgentKnown: boolean) {
    this.#nodes = nodes
    this.#cancels = cancels
    this.#isAgentKnown = isAgentKnown
  }

  add(row: Row): void {
    switch (row.name) {
      case MessageName.input:
        return this.#addInput(row)
      case MessageName.output:
        return this.#addContent(row)
      case MessageName.cancel:
        return this.#cancels.add(row)
      default:
        return this.#addLifecycle(row)
    }
  }

  /** Takes out a row that said this when it was added. */
  remove(row: Row, before: Headers): void {
    // NOTE: a row is looked for where it was, because it may have another name by now
    if (!row.home) {
      this.#removeRequest(row, before)
      return this.#cancels.remove(row, before)
    }
    this.#nodes.detachRow(row, before)
    this.#nodes.forks.remove(row, before)
    this.#touchReplaced(before)
  }

  #addInput(row: Row): void {
    const { [Header.runId]: runId, [Header.messageId]: inputId, [Header.role]: role } = row.transport
    // NOTE: if the agents are known, other clients can only publish the role `user`
    if (runId !== undefined) return role === 'user' || !this.#isAgentKnown ? this.#addContent(row) : undefined
    if (inputId === undefined) return
    if (!this.#nodes.codec.decodes(row)) {
      if (row.transport[Header.regenerates] !== undefined) this.#addRequest(inputId, row)
    } else if (role === 'user') this.#nodes.attachRow(this.#nodes.ensureInput(inputId), row)
    else if (isFork(row)) this.#addFork(inputId, row)
  }

  #addRequest(inputId: string, row: Row): void {
    this.#nodes.requests.set(inputId, row)
    this.#nodes.touchRequest(inputId)
  }

  #removeRequest(row: Row, { [Header.messageId]: inputId = '' }: Headers): void {
    if (this.#nodes.requests.get(inputId) !== row) return
    this.#nodes.requests.delete(inputId)
    this.#nodes.touchRequest(inputId)
  }

  /** Adds what names a run and has content: outputs, and inputs that answer into or steer a run. */
  #addContent(row: Row): void {
    const runId = row.transport[Header.runId]
    if (runId !== undefined && this.#nodes.codec.decodes(row)) this.#nodes.attachRow(this.#nodes.ensureRun(runId), row)
  }

  #addLifecycle(row: Row): void {
    const runId = row.transport[Header.runId]
    if (runId === undefined) return
    const run = this.#nodes.ensureRun(runId)
    run.add(row)
    this.#nodes.touch(run)
  }

  #addFork(inputId: string, row: Row): void {
    this.#nodes.forks.add(inputId, row)
    const fork = this.#runOfFork(inputId)
    this.#nodes.attachRow(fork, row)
    this.#touchReplaced(row.transport, fork.isPlaceholder ? row : undefined)
  }

  /** A run that a fork replaces: other answers may count, and other runs may show in its place. */
  #touchReplaced({ [Header.supersedes]: runId = '' }: Headers, added?: Row): void {
    const run = this.#nodes.runs.get(runId)
    if (!run) return
    if (!added) run.reread()
    else if (this.#nodes.forks.mayReplace(run, added)) run.addFork(added)
    this.#nodes.touch(run)
  }

  /** The run that answers a fork: the first that says so on the channel; a placeholder until there is one. */
  #runOfFork(inputId: string): RunNode<M> {
    const isClaim = (row: Row): boolean => isAgents(row) && row.transport[Header.inputId] === inputId
    const claims = this.#nodes.runsOf(inputId).map((run) => ({ run, serial: run.rows.find(isClaim)?.serial ?? '' }))
    if (claims.length === 0) return this.#nodes.ensurePlaceholder(inputId)
    return claims.reduce((low, claim) => (claim.serial < low.serial ? claim : low)).run
  }

  /** Moves the rows of a fork to the run that answers it. */
  adoptFork(inputId: string): void {
    const rows = this.#nodes.forks.of(inputId)
    if (rows.length === 0) return
    const run = this.#runOfFork(inputId)
    for (const row of rows) {
      if (row.home === run) continue
      this.#nodes.detachRow(row, row.transport)
      this.#nodes.attachRow(run, row)
      this.#touchReplaced(row.transport)
    }
  }
}
