import type { AccessPolicy } from './access'
import { bySerial, insertBySerial, noItems, removeBySerial } from './collections'
import { levelOf, type TreeNode } from './node'
import type { Row } from './row'
import { RunNode } from './run-node'

const maxUnknown = 2000

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
  /** Unknown inputs that cancels name, oldest first. */
  readonly #unknown = new Set<string>()

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
    const cancels = [...(run?.cancels ?? []), ...(inputId === undefined ? [] : this.#newerThanInput(inputId))]
    return this.#allowed(cancels, node.owner).toSorted(bySerial)
  }

  /** The allowed cancels of an input without a run, by serial. */
  ofInput(inputId: string): readonly Row[] {
    const node = this.#tree.inputNode(inputId)
    return this.#allowed(this.#newerThanInput(inputId), node ? node.owner : this.#tree.requests.get(inputId)?.clientId)
  }

  /** A prompt that is sent again after the cancel is not affected. */
  #newerThanInput(inputId: string): readonly Row[] {
    const node = this.#tree.inputNode(inputId)
    const since = node ? levelOf(node) : (this.#tree.requests.get(inputId)?.serial ?? '')
    return this.naming(inputId).filter(({ serial }) => serial > since)
  }

  #allowed(cancels: readonly Row[], owner: string | undefined): readonly Row[] {
    return cancels.filter(({ clientId }) => this.#tree.access.allows('cancel', clientId, owner))
  }

  /** Adds a cancel that names an input; returns the rows to forget, because too many cancels name unknown inputs. */
  add(row: Row, inputId: string, isKnown: boolean): readonly Row[] {
    this.#rows.set(inputId, insertBySerial(this.naming(inputId), row))
    if (!isKnown) this.#unknown.add(inputId)
    return this.#unknown.size > maxUnknown ? this.#forget(this.#unknown.keys().next().value!) : noItems
  }

  remove(row: Row, inputId: string): void {
    removeBySerial(this.naming(inputId), row)
  }

  /** Keeps the cancels of an input from now on, because the input is known. */
  know(inputId: string): void {
    this.#unknown.delete(inputId)
  }

  #forget(inputId: string): readonly Row[] {
    const rows = this.naming(inputId)
    this.#rows.delete(inputId)
    this.#unknown.delete(inputId)
    return rows
  }
}
