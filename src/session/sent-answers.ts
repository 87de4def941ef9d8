import { alreadyAnswered } from '../core/answers'
import type { SessionError } from '../core/errors'
import type { Row } from '../core/row'
import type { RunNode } from '../core/run-node'
import type { SessionContext } from './context'
import type { Submission } from './submission'

/** How long to wait for the echo of a published answer, in milliseconds. It usually arrives at once. */
const echoLimit = 2000

/** The answer that wakes the agent, by its sender: the last one on the channel. */
export function newestAnswer(run: RunNode<object>): Row | undefined {
  if (run.isSuperseded) return undefined
  if (run.isPlaceholder) return run.rows.findLast((row) => run.answers.counted.has(row))
  return run.state.status === 'suspended' ? run.answers.newest : undefined
}

/**
 * Finds out which published answers count: of the answers to one call, the first on the channel. Where only some of them
 * are late, the session's error tells.
 *
 * @throws SessionError 40003 when other answers have settled all its calls before
 */
export async function checkAnswers<M extends object>(
  session: SessionContext<M>,
  submission: Submission,
): Promise<void> {
  const { tree, channel } = session
  const { runId, answers, place, serials } = submission
  const last = serials.at(-1) ?? ''
  // NOTE: an answer of another client that comes before this one on the channel also arrives before its echo
  if (last && channel.hearsItself) await session.waits.until(() => tree.log.get(last) !== undefined, echoLimit)
  const fork = runId === undefined ? (tree.nodeOf(submission.inputId) as RunNode<M> | undefined) : undefined
  // NOTE: a fork stands or falls with its first answer; further ones compete in the fork
  const isFirst = fork !== undefined && fork.rows[0]?.serial === serials[0]
  const run = fork && !isFirst ? fork : tree.runs.get(runId ?? place.supersedes ?? '')
  if (!run) return
  const errors = lateAnswers(submission, run)
  const isRefused = isFirst ? submission.told.has(0) : errors.length === answers.length
  if (isRefused) throw errors[0]!
  for (const error of errors) session.report(error)
}

/** Tells the sender which of its answers do not count because the agent has gone on with answers that reached it first. */
export function tellOutdone<M extends object>(
  session: SessionContext<M>,
  submission: Submission,
  run: RunNode<M>,
): void {
  const { publishing, serials, told, answers } = submission
  const isOutdone = (serial: string, index: number): boolean =>
    !told.has(index) && run.isOutdone(session.tree.log.get(serial))
  if (publishing || !serials.some(isOutdone)) return
  const errors = lateAnswers(submission, run)
  if (errors.length > 0 && told.size === answers.length) submission.abandon(errors[0]!)
  for (const error of errors) session.report(error)
}

/** The errors of answers that do not count, each of them once. */
function lateAnswers({ answers, serials, told }: Submission, run: RunNode<object>): SessionError[] {
  return answers.flatMap(({ codec }, index) => {
    const earlier = run.answers.before({ codec, serial: serials[index] })
    if (!earlier || told.has(index)) return []
    told.add(index)
    return alreadyAnswered(earlier)
  })
}
