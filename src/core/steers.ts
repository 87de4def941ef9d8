import type { RunNode } from './run-node'
import { Header, MessageName } from './wire'

/** Whether a message of a run was said into it by somebody, and is no reply. */
export function isSteer(run: RunNode<object>, messageId: string): boolean {
  // Rows that answer a reply mention it too, but after its own
  const first = run.allRows().find(({ transport }) => transport[Header.messageId] === messageId)
  return first?.name === MessageName.input && first.transport[Header.role] === 'user'
}

/** Message ids of the steers that a run's agent says it has taken into account. */
export function consumedSteers(run: RunNode<object>): ReadonlySet<unknown> {
  const stamps = new Set(run.allRows().map(({ transport }) => transport[Header.steers]))
  return new Set([...stamps].flatMap(idsIn))
}

function idsIn(stamp: string | undefined): unknown[] {
  try {
    const ids: unknown = stamp && JSON.parse(stamp)
    return Array.isArray(ids) ? ids : []
  } catch {
    return []
  }
}
