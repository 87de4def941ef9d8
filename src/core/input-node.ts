import { noItems } from './collections'
import type { Row } from './rows'
import { TreeNode } from './node'
import type { MessageState, ViewMessage } from './view-message'
import { Header } from './wire'

/** A prompt. Its key is its message id. */
export class InputNode<M extends object> extends TreeNode<M> {
  /** Rows of an own prompt whose echo has not arrived. */
  #local: readonly Row[] = noItems
  #failure: { code: number; message: string } | undefined
  owner: string | undefined
  forkOf: string | undefined
  override device: string | undefined = undefined
  clientId = ''

  /** Shows a prompt before the channel has it, or takes that back. */
  setLocal(rows: readonly Row[]): void {
    this.#local = rows
    for (const row of rows) row.home = this
    this.#failure = undefined
    this.stale = true
  }

  fail(error: { code: number; message: string } | undefined): void {
    this.#failure = error
  }

  /** Its first row, whether or not the channel has it. */
  get first(): Row | undefined {
    return this.rows[0] ?? this.#local[0]
  }

  /** Whether the channel holds it. */
  get isSent(): boolean {
    return !this.isEmpty
  }

  get isFailed(): boolean {
    return !this.isSent && this.#failure !== undefined
  }

  get visible(): boolean {
    return this.projection.ids.length > 0
  }

  get replacesId(): string | undefined {
    return this.forkOf
  }

  /** Only the client that sent a prompt can add to it. */
  read(row: Row): Row | undefined {
    return row.clientId === this.first?.clientId ? row : undefined
  }

  protected override release(): void {
    this.#local = noItems
    super.release()
  }

  protected get isComplete(): boolean {
    return this.isSent
  }

  protected override get content(): readonly Row[] {
    return this.isSent ? super.content : this.#local
  }

  protected derive(): undefined {
    const { first } = this
    if (!first) return
    this.serial = first.serial
    this.parent = first.transport[Header.parent]
    this.forkOf = first.transport[Header.forkOf]
    this.device = first.transport[Header.device]
    this.owner = first.clientId
    this.clientId = this.owner ?? first.transport[Header.owner] ?? ''
  }

  protected messageState(): MessageState {
    return this.isSent ? 'sent' : this.#failure ? 'failed' : 'pending'
  }

  protected error(): ViewMessage<M>['error'] {
    return this.isFailed ? this.#failure : undefined
  }
}
