import type { Exchange } from './exchange'
import { isSteer, type Message, type Part } from './types'

/** The status of a run card, which is also its `data-status`. */
export type CardStatus =
  'starting' | 'waiting' | 'streaming' | 'stalled' | 'suspended' | 'cancelling' | 'cancelled' | 'complete' | 'error'

export const statusWords: Record<CardStatus, string> = {
  starting: 'Starting',
  waiting: 'Waiting',
  streaming: 'Streaming',
  stalled: 'Not responding',
  suspended: 'Needs approval',
  cancelling: 'Stopping',
  cancelled: 'Stopped',
  complete: 'Complete',
  error: 'Failed',
}

/** Replaces "Stopping" if the agent does not respond. */
export const unresponsiveWord = statusWords.stalled

/** Whether the run can be stopped. */
export const isLive = (status: CardStatus): boolean => status !== 'cancelling' && !isOver(status)

/** Whether the run has ended. */
export const isOver = (status: CardStatus): boolean =>
  status === 'cancelled' || status === 'complete' || status === 'error'

/** @param isOnline - whether the connection is up */
export function statusOf(exchange: Exchange, isOnline = true): CardStatus {
  const { run, pending, prompt, replies } = exchange
  if (!run) {
    const isUnreached = pending?.wake?.state === 'failed'
    if (isStopping(pending)) return isUnreached ? 'cancelled' : 'cancelling'
    if (prompt?.state === 'failed' || isUnreached) return 'error'
    return isHeldUp(exchange) || (!isOnline && prompt?.state === 'pending') ? 'waiting' : 'starting'
  }
  if (run.status !== 'active' && run.status !== 'suspended') return run.status
  if (isStopping(run)) return 'cancelling'
  if (run.status === 'suspended') return 'suspended'
  if (run.stalled) return 'stalled'
  return replies.some(saysSomething) ? 'streaming' : 'starting'
}

/** Whether the agent is gone, or does not respond to Stop. */
export const isUnresponsive = (exchange: Exchange): boolean =>
  statusOf(exchange) === 'stalled' || isStopUnanswered(exchange)

/** Whether Stop was pressed and the agent does not respond: the agent may be gone. */
export const isStopUnanswered = (exchange: Exchange): boolean =>
  statusOf(exchange) === 'cancelling' && (exchange.run?.cancelling ?? exchange.pending?.cancelling)?.unanswered === true

/** The state of the last text of an exchange: complete, still growing, or cut off. */
export function textStateOf(exchange: Exchange): 'whole' | 'growing' | 'cut' {
  const status = statusOf(exchange)
  if (status === 'complete') return 'whole'
  return isOver(status) || isUnresponsive(exchange) ? 'cut' : 'growing'
}

const isStopping = (asked: Exchange['run'] | Exchange['pending']): boolean =>
  asked?.cancelling !== undefined && !asked.cancelling.refused

/** Whether the agent could not be woken yet, or has not picked up the prompt. */
const isHeldUp = ({ pending }: Exchange): boolean =>
  pending !== undefined && (pending.unanswered || isTryingAgain(pending.wake))

const isTryingAgain = (wake: NonNullable<Exchange['pending']>['wake']): boolean =>
  wake !== undefined &&
  (wake.state === 'waiting' || (wake.state !== 'accepted' && (wake.state === 'retrying' || wake.attempts > 1)))

/** The text of a message. */
export const textOf = ({ message }: Message): string =>
  message.parts.map((part) => (part.type === 'text' ? part.text : '')).join('')

/** The agent's text in a message, including reasoning. */
export const writtenIn = (reply: Message): string => (isSteer(reply) ? '' : reply.message.parts.map(wordsOf).join(''))

/** The agent's text in an exchange, including reasoning. */
export const writtenOf = ({ replies }: Exchange): string => replies.map(writtenIn).join('')

/** The agent's answer as Markdown, without reasoning. */
export const answerOf = ({ replies }: Exchange): string =>
  replies
    .filter((reply) => !isSteer(reply))
    .map(textOf)
    .filter((text) => text !== '')
    .join('\n\n')

const wordsOf = (part: Part): string => (part.type === 'text' || part.type === 'reasoning' ? part.text : '')

// NOTE: reads the parts but not their text, so that a token does not recompute the lists of runs
const saysSomething = ({ message }: Message): boolean =>
  message.role !== 'user' && message.parts.some(({ type }) => type !== 'step-start')

/** The prompt of a run, shortened for a label. */
export function topicOf({ prompt, id }: Exchange): string {
  const text = prompt ? textOf(prompt).replace(/\s+/g, ' ').trim() : ''
  if (!text) return prompt ? 'files' : id.slice(0, 6)
  return text.length > 48 ? `${text.slice(0, 47).trimEnd()}…` : text
}

/** The name of a run for labels: `run “Plan a weekend in Lisbon”`. */
export const runName = (exchange: Exchange): string =>
  `run “${topicOf(exchange)}”${exchange.ordinal ? ` (${exchange.ordinal})` : ''}`

/** The name of a prompt for labels: `prompt “Plan a weekend in Lisbon”`. */
export const promptName = (exchange: Exchange): string => `prompt “${topicOf(exchange)}”`
