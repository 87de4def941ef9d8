import type { Uplink } from '../ably/uplink'
import { isAgents, type Row } from '../core/log'
import type { RunNode } from '../core/run-node'
import { Header, MessageName, type OutgoingMessage } from '../core/wire'
import { isContinuation } from './headers'
import { HandledError } from './misuse'
import type { Outlet } from './outlet'
import type { ChannelView } from './run-host'
import { untilFound } from './until-found'

/** The channel's id for the message that announces a run: of several agents woken by one input it takes the first's. */
export const claimOf = (inputEventId: string): string => `${inputEventId}-run:0`

/**
 * The same for a run that goes on: whoever has begun it, or made it go on before, is followed by one invocation, whatever
 * input wakes that.
 */
export function claimAfter(run: RunNode<object>, inputEventId: string): string {
  const before = lastAnnouncement(run)
  return before ? `${before.serial.replaceAll(':', '-')}-resume:0` : claimOf(inputEventId)
}

/**
 * Refuses an answer that an invocation has with it that was woken by another one: it was there before the run went on, or
 * is about something older, and the run does not wait again; also what was said to the run and answered by it.
 * @throws {@link HandledError} which names that run
 */
export function checkWaiting(run: RunNode<object>, { serial, transport }: Row): void {
  const last = lastAnnouncement(run)
  if (last && run.steers.get(transport[Header.messageId] ?? '') === 'consumed') throw handledBy(last)
  if (last?.name !== MessageName.runResume) return
  if (last.serial > serial) throw handledBy(last)
  const isAbout = (row: Row): boolean =>
    isAgents(row) && row.transport[Header.messageId] === transport[Header.messageId]
  const isLater = run.allRows().some((row) => row.serial > last.serial && isAbout(row))
  if (run.state.status === 'active' && !isLater) throw handledBy(last)
}

/** What was said last of who works on a run. */
const lastAnnouncement = (run: RunNode<object>): Row | undefined =>
  run
    .allRows()
    .filter(isAnnouncement)
    .reduce<Row | undefined>((last, row) => (last && last.serial > row.serial ? last : row), undefined)

/**
 * Refuses an input that a run answers already.
 * @throws {@link HandledError} which names that run
 */
export function checkUnanswered<M extends object>({ tree }: ChannelView<M>, trigger: Row): void {
  tree.settle()
  const { [Header.messageId]: inputId, [Header.runId]: runId } = trigger.transport
  const runs = isContinuation(trigger) ? [tree.runs.get(runId!)] : tree.runsOf(inputId ?? '')
  const rows = runs.flatMap((run) => run?.allRows() ?? [])
  const known = rows.find((row) => isAnnouncement(row) && isAbout(row, inputId) && row.serial > trigger.serial)
  if (known) throw handledBy(known)
}

/**
 * Announces a run, unless the channel has taken another invocation's word for the same input.
 * @throws {@link HandledError} when it has
 */
export async function announce<M extends object>(
  view: ChannelView<M> & { uplink: Pick<Uplink, 'hearsItself'> },
  outlet: Outlet,
  announcement: OutgoingMessage,
  invocationId: string,
): Promise<void> {
  const { id, ...plain } = announcement
  const declare = (message: OutgoingMessage): Promise<string> => outlet.declare('announce the run', message)
  const serial = await declare({ id, ...plain })
  // NOTE: without an echo there is no telling whose was taken
  if (!view.uplink.hearsItself) return
  // NOTE: somebody else may have used that id for something else
  if (!(await isClaimed(view, serial, invocationId))) await declare(plain)
}

/**
 * Whether the announcement that the channel holds under a serial is this invocation's; false when it holds something else,
 * or does not tell in time.
 * @throws {@link HandledError} when another invocation's was there before
 */
async function isClaimed<M extends object>(
  view: ChannelView<M>,
  serial: string,
  invocationId: string,
): Promise<boolean> {
  const row = await untilFound(view, { look: () => view.tree.log.get(serial), timeout: patience })
  if (!row || !isAnnouncement(row)) return false
  if (row.transport[Header.invocationId] !== invocationId) throw handledBy(row)
  return true
}

// In milliseconds: publishers hear their own messages at once
const patience = 5000

const isAnnouncement = ({ name, transport }: Row): boolean =>
  (name === MessageName.runStart || name === MessageName.runResume) && transport[Header.runId] !== undefined

const isAbout = ({ transport }: Row, inputId: string | undefined): boolean => transport[Header.inputId] === inputId

const handledBy = ({ transport }: Row): HandledError =>
  new HandledError(transport[Header.runId]!, transport[Header.invocationId] ?? '')
