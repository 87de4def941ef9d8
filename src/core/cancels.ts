import type { AccessPolicy } from './access'
import { bySerial, insertBySerial, noItems, removeBySerial } from './collections'
import { levelOf, type TreeNode } from './node'
import type { Row } from './row'
import { RunNode } from './run-node'

const maxStrays = 2000
/** How many of the first cancels of one run or prompt are kept. */
const maxFirst = 100
/** Of how many clients the newest of the others is kept. */
const maxClients = 20

/**
 * Of the cancels of one run or prompt, by serial, one that is not kept; undefined if all are. The first 100 are kept, and of
 * the others the newest of each client, for 20 clients and the owner: the same ones in whichever order they arrive. Cancels
 * that policy refuses are counted by themselves, so that they take the place of none that it allows.
 */
export function surplusOf(
  cancels: readonly Row[],
  owner: string | undefined,
  isAllowed?: (cancel: Row) => boolean,
): Row | undefined {
  if (cancels.length <= maxFirst) return undefined
  if (!isAllowed) return surplusIn(cancels, owner)
  return (
    surplusIn(cancels.filter(isAllowed), owner) ??
    surplusIn(
      cancels.filter((cancel) => !isAllowed(cancel)),
      owner,
    )
  )
}

function surplusIn(cancels: readonly Row[], owner: string | undefined): Row | undefined {
  const clients = new Set<string | undefined>()
  for (let index = cancels.length - 1; index >= maxFirst; index--) {
    const { clientId } = cancels[index]!
    const isCrowded = clients.size >= maxClients && (clientId === undefined || clientId !== owner)
    if (clients.has(clientId) || isCrowded) return cancels[index]
    clients.add(clientId)
  }
  return undefined
}

/** The tree as cancels need it. */
interface Inputs<M extends object> {
  readonly access: AccessPolicy
  readonly requests: ReadonlyMap<string, Row>
  /** The node of an input that has no run of its own yet. */
  inputNode(inputId: string): TreeNode<M> | undefined
}

/** The cancels of a tree. Those that name a run are kept by its node, those that name an input are kept here. */
export class Cancels<M extends object> {
  readonly #tree: Inputs<M>
  readonly #rows = new Map<string, readonly Row[]>()
  readonly #decisions = new WeakMap<Row, { readonly owner: string | undefined; readonly isAllowed: boolean }>()
  /** Cancels whose run or input was unknown when they came, oldest first. */
  readonly strays = new Set<Row>()

  constructor(tree: Inputs<M>) {
    this.#tree = tree
  }

  /** All cancels that name an input, by serial, allowed or not. */
  naming(inputId: string): readonly Row[] {
    return this.#rows.get(inputId) ?? noItems
  }

  /** The allowed cancels of a node, by serial: for a run both those that name it and those that name its prompt. */
  of(node: TreeNode<M>): readonly Row[] {
    const run = node instanceof RunNode && !node.isPlaceholder ? node : undefined
    const inputId = run ? run.inputId : node.key
    const cancels = (run?.cancels ?? noItems).concat(inputId === undefined ? noItems : this.#newerThanInput(inputId))
    if (cancels.length === 0) return noItems
    return this.#allowed(cancels, node.owner).toSorted(bySerial)
  }

  /** The allowed cancels of an input without a run, by serial. */
  ofInput(inputId: string): readonly Row[] {
    const node = this.#tree.inputNode(inputId)
    return this.#allowed(this.#newerThanInput(inputId), node ? node.owner : this.#tree.requests.get(inputId)?.clientId)
  }

  /** A prompt that is sent again after the cancel is not affected. */
  #newerThanInput(inputId: string): readonly Row[] {
    const rows = this.naming(inputId)
    if (rows.length === 0) return rows
    const node = this.#tree.inputNode(inputId)
    // NOTE: a prompt that was deleted has no place
    const since = node && node.size > 0 ? levelOf(node) : (this.#tree.requests.get(inputId)?.serial ?? '')
    return rows.filter(({ serial }) => serial > since)
  }

  #allowed(cancels: readonly Row[], owner: string | undefined): readonly Row[] {
    return cancels.filter((cancel) => this.isAllowed(cancel, owner))
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

  /** Adds a cancel that names an input. */
  add(row: Row, inputId: string): void {
    this.#rows.set(inputId, insertBySerial(this.naming(inputId), row))
  }

  remove(row: Row, inputId: string): void {
    const rows = this.naming(inputId)
    removeBySerial(rows, row)
    if (rows.length === 0) this.#rows.delete(inputId)
  }

  /** Notes a cancel whose run or input is unknown; returns the oldest one once there are too many. */
  addStray(row: Row): Row | undefined {
    this.strays.add(row)
    if (this.strays.size <= maxStrays) return undefined
    const [oldest] = this.strays
    this.strays.delete(oldest!)
    return oldest
  }
}
