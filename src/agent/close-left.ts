import { ErrorCode, toSessionError, type SessionError } from '../core/errors'
import { isOpen, type Row } from '../core/log'
import type { Tree } from '../core/tree'
import { Header, MessageName } from '../core/wire'
import { outputExtras } from './headers'
import type { Outlet } from './outlet'

/**
 * Closes as cancelled the streams of a run that its former process has left open, which nobody else would. What is refused,
 * as it is to another client id, is reported and stays open.
 */
export async function closeLeft(
  { tree, report }: { tree: Tree<object>; report: (error: SessionError) => void },
  outlet: Outlet,
  runId: string,
): Promise<void> {
  tree.settle()
  const rows = tree.runs.get(runId)?.allRows() ?? []
  const left = rows.filter((row) => row.name === MessageName.output && isOpen(row))
  const refused = (cause: unknown): void => {
    if (outlet.isShut) return
    report(toSessionError('close a stream that another process has left', ErrorCode.StreamRepairFailed, cause))
  }
  await Promise.all(left.map((row) => close(row, outlet).catch(refused)))
}

const close = ({ serial, transport, codec }: Row, outlet: Outlet): Promise<void> =>
  outlet.end(serial, '', outputExtras({ ...transport, [Header.status]: 'cancelled' }, codec))
