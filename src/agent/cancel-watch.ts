import type { Row } from '../core/log'
import type { Tree } from '../core/tree'
import { Header } from '../core/wire'
import { askOrReport, type Asked } from './ask'
import type { CancelHook } from './hooks'

/** What deciding on a request needs to know. */
export interface CancelContext extends Asked {
  readonly onCancel?: CancelHook
  /** Tells the others that a request is refused. */
  readonly refuse: (row: Row) => void
}

/** Requests to stop a run, read off the channel's rows: it does not matter when and how a request got there. */
export class CancelWatch {
  readonly #seen = new Set<string>()

  constructor(private readonly context: CancelContext) {}

  /** Whether the run is to stop because of a request that was not looked at before. */
  async consider(tree: Tree<object>): Promise<boolean> {
    for (const row of this.#requests(tree)) {
      if (this.#seen.has(row.serial)) continue
      this.#seen.add(row.serial)
      if (await this.#accepts(row, tree)) return true
      this.context.refuse(row)
    }
    return false
  }

  #requests(tree: Tree<object>): readonly Row[] {
    const { runId, trigger } = this.context
    const inputId = trigger.transport[Header.messageId]
    const byRun = tree.runs.get(runId)?.cancels ?? []
    const byInput = inputId === undefined ? [] : tree.cancelsOf(inputId)
    return [...byRun, ...byInput].filter((row) => row.serial > trigger.serial)
  }

  #accepts(row: Row, tree: Tree<object>): Promise<boolean> {
    const { runId, ownerClientId, onCancel, messageOf, report } = this.context
    const { clientId } = row
    const mayStop: CancelHook = (request) =>
      tree.access.allows('cancel', clientId, ownerClientId) && onCancel?.(request)
    return askOrReport(mayStop, { runId, clientId, ownerClientId, message: messageOf(row) }, 'a cancel', report)
  }
}
