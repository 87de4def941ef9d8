import type { Exchange } from './layout'
import { isSteer, type Message, type Part } from './types'

/** How a run card stands; the words of its `data-status`. */
export type CardStatus =
  'starting' | 'waiting' | 'streaming' | 'suspended' | 'cancelling' | 'cancelled' | 'complete' | 'error'

export const statusWords: Record<CardStatus, string> = {
  starting: 'Starting',
  waiting: 'Waiting',
  streaming: 'Streaming',
  suspended: 'Waiting for you',
  cancelling: 'Stopping',
  cancelled: 'Stopped',
  complete: 'Complete',
  error: 'Failed',
}

/** In place of "Stopping" where nobody heeds the Stop. */
export const forsakenWord = 'No answer'

/** Whether there is something to stop. */
export const isLive = (status: CardStatus): boolean =>
  status === 'starting' || status === 'waiting' || status === 'streaming' || status === 'suspended'

/** Whether nothing more will come. */
export const isOver = (status: CardStatus): boolean =>
  status === 'cancelled' || status === 'complete' || status === 'error'

/** @param isOnline - whether what is sent reaches the channel now */
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
  return replies.some(saysSomething) ? 'streaming' : 'starting'
}

/** Whether somebody asked to stop it and nobody has heeded: its agent may be gone, so nothing moves. */
export const isForsaken = (exchange: Exchange): boolean =>
  statusOf(exchange) === 'cancelling' && (exchange.run?.cancelling ?? exchange.pending?.cancelling)?.unanswered === true

const isStopping = (asked: Exchange['run'] | Exchange['pending']): boolean =>
  asked?.cancelling !== undefined && !asked.cancelling.refused

/** Whether the agent could not be woken yet, or has not taken up what it was woken for. */
const isHeldUp = ({ pending }: Exchange): boolean =>
  pending !== undefined && (pending.unanswered || isTryingAgain(pending.wake))

const isTryingAgain = (wake: NonNullable<Exchange['pending']>['wake']): boolean =>
  wake !== undefined &&
  (wake.state === 'waiting' || (wake.state !== 'accepted' && (wake.state === 'retrying' || wake.attempts > 1)))

/** The words of a message. */
export const textOf = ({ message }: Message): string =>
  message.parts.map((part) => (part.type === 'text' ? part.text : '')).join('')

/** What the agent wrote of an exchange, reasoning included. */
export const writtenOf = ({ replies }: Exchange): string =>
  replies
    .filter((reply) => !isSteer(reply))
    .map(({ message }) => message.parts.map(wordsOf).join(''))
    .join('')

const wordsOf = (part: Part): string => (part.type === 'text' || part.type === 'reasoning' ? part.text : '')

// NOTE: asks for parts, never for their text: a token must not make every list of runs anew
const saysSomething = ({ message }: Message): boolean =>
  message.role !== 'user' && message.parts.some(({ type }) => type !== 'step-start')

/** What a run is about, short enough for a label. */
export function topicOf({ prompt, id }: Exchange): string {
  const text = prompt ? textOf(prompt).replace(/\s+/g, ' ').trim() : ''
  if (!text) return id.slice(0, 6)
  return text.length > 48 ? `${text.slice(0, 47).trimEnd()}…` : text
}

const lanes = 6

/** The colour that follows a run through the page. */
export const laneOf = (number: number): string => `var(--lane-${((number - 1) % lanes) + 1})`
