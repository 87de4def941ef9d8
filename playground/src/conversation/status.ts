import type { Message } from './types'
import type { Exchange } from './layout'

/** How a run card stands; the words of its `data-status`. */
export type CardStatus = 'starting' | 'streaming' | 'cancelling' | 'cancelled' | 'complete' | 'error'

export const statusWords: Record<CardStatus, string> = {
  starting: 'Starting',
  streaming: 'Streaming',
  cancelling: 'Stopping',
  cancelled: 'Stopped',
  complete: 'Complete',
  error: 'Failed',
}

/** Whether there is something to stop. */
export const isLive = (status: CardStatus): boolean => status === 'starting' || status === 'streaming'

/** Whether nothing more will come. */
export const isOver = (status: CardStatus): boolean =>
  status === 'cancelled' || status === 'complete' || status === 'error'

export function statusOf({ run, pending, prompt, replies }: Exchange): CardStatus {
  if (!run) {
    if (prompt?.state === 'failed' || pending?.wake?.state === 'failed') return 'error'
    return pending?.cancelling ? 'cancelling' : 'starting'
  }
  if (run.status !== 'active' && run.status !== 'suspended') return run.status
  if (run.cancelling) return 'cancelling'
  return replies.some(hasText) ? 'streaming' : 'starting'
}

/** The words of a message. */
export const textOf = ({ message }: Message): string =>
  message.parts.map((part) => (part.type === 'text' ? part.text : '')).join('')

const hasText = ({ message }: Message): boolean =>
  message.parts.some((part) => part.type === 'text' && part.text !== '')

/** What a run is about, short enough for a label. */
export function topicOf({ prompt, id }: Exchange): string {
  const text = prompt ? textOf(prompt).replace(/\s+/g, ' ').trim() : ''
  if (!text) return id.slice(0, 6)
  return text.length > 48 ? `${text.slice(0, 47).trimEnd()}…` : text
}

const lanes = 6

/** The colour that follows a run through the page. */
export const laneOf = (number: number): string => `var(--lane-${((number - 1) % lanes) + 1})`
