import { isAgents, Log } from '../core/log'
import type { Row } from '../core/rows'
import { isEntry } from '../core/run-state'
import type { RunNode } from '../core/run-node'
import type { Tree } from '../core/tree'
import { Header, MessageName, type OutgoingMessage } from '../core/wire'
import type { AgentChannel } from './channel'
import { HandledError } from './errors'
import { answersUsed, isContinuation, listsOf, runEnd, type Ending, type RunIdentity } from './run-messages'
import type { RunPublisher } from './run-publisher'
import { waitFor } from './history'

/** The part of a channel that claims need. */
type ClaimChannel = Pick<AgentChannel<object, unknown>, 'tree' | 'onHeard' | 'isAgent' | 'report'> & {
  uplink: { hearsItself: boolean }
  ably: Pick<AgentChannel<object, unknown>['ably'], 'read'>
}

/**
 * The Ably message id of the message that announces a run: the channel stores only the first message with an id, so of
 * several agents that one input wakes, one starts a run.
 */
export const claimOf = (inputEventId: string): string => `${inputEventId}-run:0`

/** The same for the run of a fork, which several answers can wake an agent for. */
export const claimOfFork = (inputId: string): string => `${idPart(inputId)}-fork:0`

/** The same for a run that resumes: after each start or resume of the run, the channel stores one further resume. */
export function claimAfter(run: RunNode<object>, inputEventId: string): string {
  const { entry } = run
  return entry ? `${idPart(entry.serial)}-resume:0` : claimOf(inputEventId)
}

/** A serial or an id as a part of a message id, which must not hold colons. */
export const idPart = (id: string): string => id.replaceAll(':', '-')

/**
 * Publishes a message whose id the channel stores once. It is published again without the id when the channel has
 * stored a message of another kind under it, as any client can publish one.
 *
 * @param isSame - whether the stored message says the same
 */
async function publishOnce(
  channel: ClaimChannel,
  publish: (message: OutgoingMessage) => Promise<string>,
  { id, ...plain }: OutgoingMessage,
  isSame: (stored: Row) => boolean,
): Promise<void> {
  const serial = await publish({ id, ...plain })
  // NOTE: only the echo tells which message was stored
  if (!channel.uplink.hearsItself) return
  const look = (): Row | undefined => channel.tree.log.get(serial)
  const heard = await waitFor(channel, { look, timeout: echoTimeout })
  // NOTE: a busy process may hear nothing for seconds, and a message that the tree ignores never shows there
  const message = heard ? undefined : await channel.ably.read(serial)
  const stored = heard ?? (message && new Log(channel.isAgent).apply(message)?.row)
  if (stored ? !isSame(stored) : message) await publish(plain)
}

/** In milliseconds; an echo usually arrives at once. */
const echoTimeout = 5000

/**
 * Publishes the end of a run, unless another process has published one. Answers for which the end has no room are named
 * before it.
 * @throws SessionError 104003 when the channel refuses it
 */
export async function declareEnd(
  channel: ClaimChannel,
  publisher: RunPublisher,
  run: RunIdentity,
  { answers = [], ...ending }: Ending,
): Promise<void> {
  const [inEnd = [], ...before] = listsOf(answers)
  for (const serials of before)
    await publisher.declare('name the answers', answersUsed(run, serials)).catch(channel.report)
  // NOTE: of the run alone: an agent that ends it while another one resumes it may not have heard of the resume
  const id = `${idPart(run.runId)}-end:0`
  await publishOnce(
    channel,
    (message) => publisher.declare('end the run', message),
    { id, ...runEnd(run, { ...ending, answers: inEnd }) },
    ({ name, transport }) => name === MessageName.runEnd && transport[Header.runId] === run.runId,
  )
}

/** Id of the invocation that works on a run. */
export const invocationOf = (run: RunNode<object>): string => run.entry?.transport[Header.invocationId] ?? ''

/**
 * Refuses an answer that an earlier resume has taken up already: it was published before that resume, or is about older
 * output, and the run is not suspended again. Also refuses a steer that an output has answered.
 * @throws {@link HandledError} which names the run
 */
export function checkNotResumed(run: RunNode<object>, { serial, transport }: Row): void {
  const last = run.entry
  if (last && run.steerState(transport[Header.messageId] ?? '') === 'consumed') throw handledBy(last)
  if (last?.name !== MessageName.runResume) return
  if (last.serial > serial) throw handledBy(last)
  const isAbout = (row: Row): boolean =>
    isAgents(row) && row.transport[Header.messageId] === transport[Header.messageId]
  const isLater = run.rows.some((row) => row.serial > last.serial && isAbout(row))
  if (run.state.status === 'active' && !isLater) throw handledBy(last)
}

/**
 * Refuses an input that a run answers already.
 * @throws {@link HandledError} which names that run
 */
export function checkUnanswered(tree: Tree<object>, trigger: Row): void {
  tree.settle()
  const { [Header.messageId]: inputId, [Header.runId]: runId } = trigger.transport
  const runs = isContinuation(trigger) ? [tree.runs.get(runId!)] : tree.runsOf(inputId ?? '')
  const entries = runs.flatMap((run) => run?.rows.filter(isEntry) ?? [])
  const known = entries.find(
    ({ transport, serial }) => transport[Header.inputId] === inputId && serial > trigger.serial,
  )
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
  await publishOnce(
    channel,
    (message) => publisher.declare('announce the run', message),
    announcement,
    (stored) => {
      const isAnnouncement = isEntry(stored) && stored.transport[Header.runId] !== undefined
      if (isAnnouncement && stored.transport[Header.invocationId] !== invocationId) throw handledBy(stored)
      return isAnnouncement
    },
  )
}

const handledBy = ({ transport }: Row): HandledError =>
  new HandledError(transport[Header.runId]!, transport[Header.invocationId] ?? '')
