import { bySerial, firstAbove, insertBySerial, noItems, removeBySerial } from './collections'
import type { Log } from './log'
import { levelOf, type TreeNode } from './node'
import type { Nodes } from './nodes'
import type { Row } from './rows'
import { RunNode } from './run-node'
import { Header, type Headers } from './wire'

/** How many of the first cancels of one client for one run or input are kept, besides the newest. */
const maxFirst = 10
/** How many cancels of unknown runs and inputs are kept, of one client. */
const maxStrays = 2000

/** The cancels that name one run or input, by serial. */
interface Target {
  rows: readonly Row[]
  /** Those that policy allows for this owner; undefined until they are read. */
  allowed?: { readonly owner: string | undefined; rows: readonly Row[] }
}

/**
 * The cancels of a tree. Of the cancels of one client for one run or input, the first ten and the newest are kept: the
 * same ones in whichever order they arrive, and however many other clients cancel.
 */
export class Cancels<M extends object> {
  readonly #nodes: Nodes<M>
  readonly #log: Log
  readonly #targets = new Map<string, Target>()
  /** By target and client, and then by serial. */
  readonly #byClient = new Map<string, readonly Row[]>()
  /** Cancels that came before their run or input was known, by client and then by serial. */
  readonly #strays = new Map<string | undefined, readonly Row[]>()
  readonly #decisions = new WeakMap<Row, { readonly owner: string | undefined; readonly isAllowed: boolean }>()

  constructor(nodes: Nodes<M>, log: Log) {
    this.#nodes = nodes
    this.#log = log
  }

  /** All cancels that name an input, by serial, allowed or not. */
  naming(inputId: string): readonly Row[] {
    return this.#targets.get(inputKey(inputId))?.rows ?? noItems
  }

  /** All cancels that name a run, by serial, allowed or not. */
  namingRun(runId: string): readonly Row[] {
    return this.#targets.get(runKey(runId))?.rows ?? noItems
  }

  /** The allowed cancels of a node, by serial: for a run both those that name it and those that name its prompt. */
  of(node: TreeNode<M>): readonly Row[] {
    if (this.#targets.size === 0) return noItems
    const run = node instanceof RunNode && !node.isPlaceholder ? node : undefined
    const inputId = run ? run.inputId : node.key
    const byRun = run ? this.#allowed(runKey(run.key), node.owner) : noItems
    const byInput = inputId === undefined ? noItems : this.#newerThanInput(inputId, node.owner)
    if (byRun.length === 0) return byInput
    return byInput.length === 0 ? byRun : byRun.concat(byInput).toSorted(bySerial)
  }

  /** The allowed cancels of a run by one client, which are few however many clients cancel. */
  ofClient({ key, inputId = '', owner }: RunNode<M>, clientId: string | undefined): readonly Row[] {
    const since = this.#placeOf(inputId)
    return [runKey(key), inputKey(inputId)]
      .flatMap((target) => this.#byClient.get(clientKey(target, clientId)) ?? noItems)
      .filter((cancel) => cancel.serial > since && this.isAllowed(cancel, owner))
      .toSorted(bySerial)
  }

  /** The allowed cancels of an input without a run, by serial. */
  ofInput(inputId: string): readonly Row[] {
    const node = this.#nodes.inputNode(inputId)
    return this.#newerThanInput(inputId, node ? node.owner : this.#nodes.requests.get(inputId)?.clientId)
  }

  /** A prompt that is sent again after the cancel is not affected. */
  #newerThanInput(inputId: string, owner: string | undefined): readonly Row[] {
    const rows = this.#allowed(inputKey(inputId), owner)
    if (rows.length === 0) return rows
    const since = this.#placeOf(inputId)
    return rows[0]!.serial > since ? rows : rows.slice(firstAbove(rows, ({ serial }) => serial, since))
  }

  #placeOf(inputId: string): string {
    const node = this.#nodes.inputNode(inputId)
    // NOTE: a prompt that was deleted has no place
    return node && node.size > 0 ? levelOf(node) : (this.#nodes.requests.get(inputId)?.serial ?? '')
  }

  #allowed(key: string, owner: string | undefined): readonly Row[] {
    const target = this.#targets.get(key)
    if (!target || !this.#nodes.access.hasPolicy) return target?.rows ?? noItems
    if (!target.allowed || target.allowed.owner !== owner)
      target.allowed = { owner, rows: target.rows.filter((cancel) => this.isAllowed(cancel, owner)) }
    return target.allowed.rows
  }

  /** Whether policy allows a cancel of a run or prompt of this owner. Policy is asked once for each cancel. */
  isAllowed(cancel: Row, owner: string | undefined): boolean {
    let decision = this.#decisions.get(cancel)
    if (!decision || decision.owner !== owner) {
      decision = { owner, isAllowed: this.#nodes.access.allows('cancel', cancel.clientId, owner) }
      this.#decisions.set(cancel, decision)
    }
    return decision.isAllowed
  }

  /** Adds a cancel; the surplus ones of its client are forgotten. */
  add(row: Row): void {
    if (!row.transport[Header.runId] && !row.transport[Header.inputId]) return
    const surplus = this.#keep(row)
    this.#touchTarget(row, row.transport)
    if (surplus) this.#forget(surplus)
    if (surplus === row || !this.#isStray(row)) return
    const strays = insertInto(this.#strays, row.clientId, row)
    const oldest = strays.length > maxStrays ? strays[0] : undefined
    if (!oldest) return
    removeFrom(this.#strays, row.clientId, oldest)
    // NOTE: the run or input of the oldest stray may be known by now
    if (this.#isStray(oldest)) this.#forget(oldest)
  }

  /** @param headers - the headers that the cancel was added with */
  remove(row: Row, headers: Headers): void {
    const key = keyOf(headers)
    const target = this.#targets.get(key)
    if (target) {
      removeBySerial(target.rows, row)
      if (target.allowed) removeBySerial(target.allowed.rows, row)
      if (target.rows.length === 0) this.#targets.delete(key)
      removeFrom(this.#byClient, clientKey(key, row.clientId), row)
      removeFrom(this.#strays, row.clientId, row)
    }
    this.#touchTarget(row, headers)
  }

  /** Keeps a cancel; returns the one that is not kept from now on, if any. */
  #keep(row: Row): Row | undefined {
    const key = keyOf(row.transport)
    const target = this.#targets.get(key) ?? { rows: noItems }
    this.#targets.set(key, target)
    target.rows = insertBySerial(target.rows, row)
    const { allowed } = target
    if (allowed && this.isAllowed(row, allowed.owner)) allowed.rows = insertBySerial(allowed.rows, row)
    const ofClient = insertInto(this.#byClient, clientKey(key, row.clientId), row)
    return ofClient.length > maxFirst + 1 ? ofClient[maxFirst] : undefined
  }

  #forget(row: Row): void {
    this.remove(row, row.transport)
    this.#log.forget(row)
  }

  /** Whether a cancel names an unknown run or input. */
  #isStray({ transport: { [Header.runId]: runId, [Header.inputId]: inputId = '' } }: Row): boolean {
    const { inputs, runs, requests, forks } = this.#nodes
    if (runId !== undefined) return !runs.get(runId)?.isOwnerKnown
    const isKnown = inputs.has(inputId) || requests.has(inputId) || forks.of(inputId).length > 0
    return !isKnown && this.#nodes.runsOf(inputId).length === 0
  }

  /** Marks the nodes that show a cancel as changed. */
  #touchTarget(cancel: Row, { [Header.runId]: runId, [Header.inputId]: inputId = '' }: Headers): void {
    const nodes = this.#nodes
    const run = nodes.runs.get(runId ?? '')
    if (run) this.#touchRun(run, cancel)
    if (runId !== undefined) return
    for (const each of nodes.runsOf(inputId)) this.#touchRun(each, cancel)
    const node = nodes.inputNode(inputId)
    if (node && this.#mayCount(cancel, node.owner)) nodes.touch(node)
    const request = nodes.requests.get(inputId)
    if (request && this.#mayCount(cancel, request.clientId)) nodes.touchRequest(inputId)
  }

  #touchRun(run: RunNode<M>, cancel: Row): void {
    if (!this.#mayCount(cancel, run.owner)) return
    run.forgetInfo()
    this.#nodes.touch(run)
  }

  /**
   * False if policy refuses a cancel: a flood of those changes nothing that is shown, so it must not cost a refresh.
   */
  #mayCount(cancel: Row, owner: string | undefined): boolean {
    return owner === undefined || this.isAllowed(cancel, owner)
  }
}

const runKey = (runId: string): string => `run ${runId}`
const inputKey = (inputId: string): string => `input ${inputId}`
const keyOf = ({ [Header.runId]: runId, [Header.inputId]: inputId = '' }: Headers): string =>
  runId === undefined ? inputKey(inputId) : runKey(runId)
const clientKey = (target: string, clientId: string | undefined): string => JSON.stringify([target, clientId])

function insertInto<Key>(lists: Map<Key, readonly Row[]>, key: Key, row: Row): readonly Row[] {
  const rows = insertBySerial(lists.get(key) ?? noItems, row)
  lists.set(key, rows)
  return rows
}

function removeFrom<Key>(lists: Map<Key, readonly Row[]>, key: Key, row: Row): void {
  const rows = lists.get(key) ?? noItems
  removeBySerial(rows, row)
  if (rows.length === 0) lists.delete(key)
}
