import type { AccessPolicy } from './access'
import { bySerial, firstAbove, insertBySerial, noItems, removeBySerial } from './collections'
import { levelOf, type TreeNode } from './node'
import type { Row } from './row'
import { RunNode } from './run-node'
import { Header, type Headers } from './wire'

/** How many of the first cancels of one client for one run or input are kept, besides the newest. */
const maxFirst = 10
/** How many cancels of unknown runs and inputs are kept, of one client. */
const maxStrays = 2000

/** The tree as cancels need it. */
interface Inputs<M extends object> {
  readonly access: AccessPolicy
  readonly requests: ReadonlyMap<string, Row>
  /** The node of an input that has no run of its own yet. */
  inputNode(inputId: string): TreeNode<M> | undefined
}

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
  readonly #tree: Inputs<M>
  readonly #targets = new Map<string, Target>()
  /** By target and client, and then by serial. */
  readonly #byClient = new Map<string, readonly Row[]>()
  /** Cancels that came before their run or input was known, by client and then by serial. */
  readonly #strays = new Map<string | undefined, readonly Row[]>()
  readonly #decisions = new WeakMap<Row, { readonly owner: string | undefined; readonly isAllowed: boolean }>()

  constructor(tree: Inputs<M>) {
    this.#tree = tree
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
    const node = this.#tree.inputNode(inputId)
    return this.#newerThanInput(inputId, node ? node.owner : this.#tree.requests.get(inputId)?.clientId)
  }

  /** A prompt that is sent again after the cancel is not affected. */
  #newerThanInput(inputId: string, owner: string | undefined): readonly Row[] {
    const rows = this.#allowed(inputKey(inputId), owner)
    if (rows.length === 0) return rows
    const since = this.#placeOf(inputId)
    return rows[0]!.serial > since ? rows : rows.slice(firstAbove(rows, ({ serial }) => serial, since))
  }

  #placeOf(inputId: string): string {
    const node = this.#tree.inputNode(inputId)
    // NOTE: a prompt that was deleted has no place
    return node && node.size > 0 ? levelOf(node) : (this.#tree.requests.get(inputId)?.serial ?? '')
  }

  #allowed(key: string, owner: string | undefined): readonly Row[] {
    const target = this.#targets.get(key)
    if (!target || !this.#tree.access.hasPolicy) return target?.rows ?? noItems
    if (!target.allowed || target.allowed.owner !== owner)
      target.allowed = { owner, rows: target.rows.filter((cancel) => this.isAllowed(cancel, owner)) }
    return target.allowed.rows
  }

  /** Whether policy allows a cancel of a run or prompt of this owner. Policy is asked once for each cancel. */
  isAllowed(cancel: Row, owner: string | undefined): boolean {
    let decision = this.#decisions.get(cancel)
    if (!decision || decision.owner !== owner) {
      decision = { owner, isAllowed: this.#tree.access.allows('cancel', cancel.clientId, owner) }
      this.#decisions.set(cancel, decision)
    }
    return decision.isAllowed
  }

  /** Adds a cancel; returns the one that is not kept from now on, if any. */
  add(row: Row): Row | undefined {
    const key = keyOf(row.transport)
    const target = this.#targets.get(key) ?? { rows: noItems }
    this.#targets.set(key, target)
    target.rows = insertBySerial(target.rows, row)
    const { allowed } = target
    if (allowed && this.isAllowed(row, allowed.owner)) allowed.rows = insertBySerial(allowed.rows, row)
    const ofClient = insertInto(this.#byClient, clientKey(key, row.clientId), row)
    return ofClient.length > maxFirst + 1 ? ofClient[maxFirst] : undefined
  }

  /** @param headers - the headers that the cancel was added with */
  remove(row: Row, headers: Headers): void {
    const key = keyOf(headers)
    const target = this.#targets.get(key)
    if (!target) return
    removeBySerial(target.rows, row)
    if (target.allowed) removeBySerial(target.allowed.rows, row)
    if (target.rows.length === 0) this.#targets.delete(key)
    removeFrom(this.#byClient, clientKey(key, row.clientId), row)
    removeFrom(this.#strays, row.clientId, row)
  }

  /** Notes a cancel of an unknown run or input; returns the oldest one of its client once there are too many. */
  addStray(row: Row): Row | undefined {
    const strays = insertInto(this.#strays, row.clientId, row)
    const oldest = strays.length > maxStrays ? strays[0] : undefined
    if (oldest) removeFrom(this.#strays, row.clientId, oldest)
    return oldest
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
