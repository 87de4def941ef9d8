import { isAgents, type Row } from '../core/log'
import type { RunNode } from '../core/run-node'
import type { Tree } from '../core/tree'
import { Header, MessageName, type OutgoingMessage } from '../core/wire'
import type { AgentChannel } from './channel'
import { HandledError } from './errors'
import { isContinuation } from './headers'
import type { RunPublisher } from './run-publisher'
import { waitFor } from './wait'

/** The part of a channel that claims need. */
type ClaimChannel = Pick<AgentChannel<object, unknown>, 'tree' | 'onHeard'> & { uplink: { hearsItself: boolean } }

/**
 * The Ably message id of the message that announces a run: the channel stores only the first message with an id, so of
 * several agents that one input wakes, one starts a run.
 */
export const claimOf = (inputEventId: string): string => `${inputEventId}-run:0`

/** The same for a run that resumes: after each start or resume of the run, the channel stores one further resume. */
export function claimAfter(run: RunNode<object>, inputEventId: string): string {
  const before = lastAnnouncement(run)
  return before ? `${before.serial.replaceAll(':', '-')}-resume:0` : claimOf(inputEventId)
}

/** The same for the end of a run, by its own process or another one: of several that try, one ends it. */
function endClaimOf(run: RunNode<object>): string {
  return `${(lastAnnouncement(run)?.serial ?? run.key).replaceAll(':', '-')}-end:0`
}

/**
 * Publishes the end of a run, unless another process has published one.
 * @throws SessionError 104003 when the channel refuses it
 */
export async function declareEnd(
  channel: ClaimChannel,
  publisher: RunPublisher,
  runId: string,
  end: OutgoingMessage,
): Promise<void> {
  // NOTE: the tree is not settled, because a policy that throws there must not keep a run from ending
  const run = channel.tree.runs.get(runId)
  const declare = (message: OutgoingMessage): Promise<string> => publisher.declare('end the run', message)
  const serial = await declare(run ? { id: endClaimOf(run), ...end } : end)
  if (!channel.uplink.hearsItself) return
  const row = await waitFor(channel, { look: () => channel.tree.log.get(serial), timeout: echoTimeout })
  // NOTE: any client may have published another message under that id
  const isEnd = row?.name === MessageName.runEnd && row.transport[Header.runId] === runId
  if (!isEnd) await declare(end)
}

/** Id of the invocation that works on a run. */
export const invocationOf = (run: RunNode<object>): string =>
  lastAnnouncement(run)?.transport[Header.invocationId] ?? ''

/**
 * Refuses an answer that an earlier resume has taken up already: it was published before that resume, or is about older
 * output, and the run is not suspended again. Also refuses a steer that an output has answered.
 * @throws {@link HandledError} which names the run
 */
export function checkNotResumed(run: RunNode<object>, { serial, transport }: Row): void {
  const last = lastAnnouncement(run)
  if (last && run.steers.get(transport[Header.messageId] ?? '') === 'consumed') throw handledBy(last)
  if (last?.name !== MessageName.runResume) return
  if (last.serial > serial) throw handledBy(last)
  const isAbout = (row: Row): boolean =>
    isAgents(row) && row.transport[Header.messageId] === transport[Header.messageId]
  const isLater = run.allRows().some((row) => row.serial > last.serial && isAbout(row))
  if (run.state.status === 'active' && !isLater) throw handledBy(last)
}

/** The newest start or resume of a run. */
const lastAnnouncement = (run: RunNode<object>): Row | undefined =>
  run
    .allRows()
    .filter(isAnnouncement)
    .reduce<Row | undefined>((last, row) => (last && last.serial > row.serial ? last : row), undefined)

/**
 * Refuses an input that a run answers already.
 * @throws {@link HandledError} which names that run
 */
export function checkUnanswered(tree: Tree<object>, trigger: Row): void {
  tree.settle()
  const { [Header.messageId]: inputId, [Header.runId]: runId } = trigger.transport
  const runs = isContinuation(trigger) ? [tree.runs.get(runId!)] : tree.runsOf(inputId ?? '')
  const rows = runs.flatMap((run) => run?.allRows() ?? [])
  const isAbout = ({ transport }: Row): boolean => transport[Header.inputId] === inputId
  const known = rows.find((row) => isAnnouncement(row) && isAbout(row) && row.serial > trigger.serial)
  if (known) throw handledBy(known)
}

/**
 * Announces a run, unless another invocation has announced one for the same input.
 * @throws {@link HandledError} when it has
 */
export async function announce(
  channel: ClaimChannel,
  publisher: RunPublisher,
  announcement: OutgoingMessage,
  invocationId: string,
): Promise<void> {
  const { id, ...plain } = announcement
  const declare = (message: OutgoingMessage): Promise<string> => publisher.declare('announce the run', message)
  const serial = await declare({ id, ...plain })
  // NOTE: only the echo tells which invocation's announcement was stored
  if (!channel.uplink.hearsItself) return
  // NOTE: any client may have published another message under that id
  if (!(await isClaimed(channel, serial, invocationId))) await declare(plain)
}

/**
 * Whether the channel stored this invocation's announcement under a serial; false when it stored another kind of message, or
 * no echo arrives in time.
 * @throws {@link HandledError} when another invocation's announcement was stored first
 */
async function isClaimed(
  channel: Pick<AgentChannel<object, unknown>, 'tree' | 'onHeard'>,
  serial: string,
  invocationId: string,
): Promise<boolean> {
  const row = await waitFor(channel, { look: () => channel.tree.log.get(serial), timeout: echoTimeout })
  if (!row || !isAnnouncement(row)) return false
  if (row.transport[Header.invocationId] !== invocationId) throw handledBy(row)
  return true
}

/** In milliseconds; an echo usually arrives at once. */
const echoTimeout = 5000

const isAnnouncement = ({ name, transport }: Row): boolean =>
  (name === MessageName.runStart || name === MessageName.runResume) && transport[Header.runId] !== undefined

const handledBy = ({ transport }: Row): HandledError =>
  new HandledError(transport[Header.runId]!, transport[Header.invocationId] ?? '')
