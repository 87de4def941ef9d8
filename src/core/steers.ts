import type { Row } from './log'
import type { SteerState } from './view-message'
import { Header, isClients, MessageName } from './wire'

export const noSteers: ReadonlyMap<string, SteerState> = new Map()

/** Whether a row of a run is a message that a client sent into it; an answer to what the run asks for is none. */
export const isSteer = ({ name, transport }: Row): boolean =>
  name === MessageName.input && transport[Header.runId] !== undefined && transport[Header.discrete] === 'true'

const isSaidByAgent = ({ name }: Row): boolean => !isClients(name)

/** How the messages sent into a run fare, by message id; one that woke the agent again is a prompt of its own. */
export function readSteers(
  rows: readonly Row[],
  lifecycle: readonly Row[],
  hasEnded: boolean,
): ReadonlyMap<string, SteerState> {
  const steers = rows.filter(isSteer)
  if (steers.length === 0) return noSteers
  const triggers = new Set(lifecycle.filter(isSaidByAgent).map(({ transport }) => transport[Header.inputId]))
  const consumed = consumedIn(rows)
  const states = new Map<string, SteerState>()
  for (const { transport } of steers) {
    const id = transport[Header.messageId]
    if (id === undefined || triggers.has(id)) continue
    states.set(id, consumed.has(id) ? 'consumed' : hasEnded ? 'missed' : 'waiting')
  }
  return states
}

/** Every message id that an output says it has taken up. */
function consumedIn(rows: readonly Row[]): ReadonlySet<unknown> {
  const stamps = new Set(rows.filter(isSaidByAgent).map((row) => row.transport[Header.steers]))
  return new Set([...stamps].flatMap((stamp) => (stamp === undefined ? [] : idsIn(stamp))))
}

function idsIn(stamp: string): readonly unknown[] {
  try {
    const ids: unknown = JSON.parse(stamp)
    return Array.isArray(ids) ? ids : []
  } catch {
    return []
  }
}
