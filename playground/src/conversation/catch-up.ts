import type { Exchange } from './exchange'
import { isOver, statusOf, writtenOf } from './status'
import { counted } from './words'

/** The progress of the conversation at one moment. */
export interface Glance {
  readonly words: number
  readonly ended: number
}

export const glanceAt = (exchanges: readonly Exchange[]): Glance => ({
  words: exchanges.reduce((sum, exchange) => sum + (writtenOf(exchange).match(/\S+/g)?.length ?? 0), 0),
  ended: exchanges.filter(({ run }) => run).filter((exchange) => isOver(statusOf(exchange))).length,
})

/** A summary of the missed messages: `Caught up: 120 words, one answer ended`. */
export function caughtUp(before: Glance, exchanges: readonly Exchange[]): string {
  const now = glanceAt(exchanges)
  const [words, ended] = [now.words - before.words, now.ended - before.ended]
  const news = [
    ...(words > 0 ? [counted(words, 'word')] : []),
    ...(ended > 0 ? [ended === 1 ? 'one answer ended' : `${ended} answers ended`] : []),
  ]
  return news.length > 0 ? `Caught up: ${news.join(', ')}.` : "You're up to date."
}
