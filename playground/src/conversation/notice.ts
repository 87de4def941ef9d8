import type { Exchange } from './layout'
import { counted, reasonIn } from './words'

/** What can be done about trouble: send again, drop the prompt, wake the agent, ask for another answer. */
export type Remedy = 'resend' | 'discard' | 'wake' | 'again'

/** Trouble with an exchange, in words. */
export interface Notice {
  readonly tone: 'calm' | 'warning' | 'danger'
  readonly words: string
  readonly remedies: readonly Remedy[]
}

/** What a notice depends on besides the exchange. */
export interface NoticeContext {
  readonly isOnline: boolean
  /** Seconds until the agent is woken again, if known. */
  readonly wait?: number
}

/** What a card says about a prompt that is not on its way, or a Stop that nobody heeds; undefined when all is well. */
export const noticeOf = (exchange: Exchange, context: NoticeContext): Notice | undefined =>
  stopNotice(exchange) ??
  (exchange.run ? undefined : (promptNotice(exchange, context) ?? wakeNotice(exchange, context)))

function stopNotice({ run, pending }: Exchange): Notice | undefined {
  const { pending: isKept, refused, unanswered } = run?.cancelling ?? pending?.cancelling ?? {}
  if (refused) return warning('The agent refuses to stop. The answer goes on.')
  if (isKept) return calm('Will be stopped when you are back online.')
  if (unanswered && run) return warning('No agent has answered. What is written stays.', 'again')
  if (unanswered && pending?.wake?.state !== 'failed') return warning('No agent has answered.')
  return undefined
}

function promptNotice({ prompt }: Exchange, { isOnline }: NoticeContext): Notice | undefined {
  if (prompt?.state === 'failed') return danger(`Not sent: ${reasonIn(prompt.error?.message)}`, 'resend', 'discard')
  if (prompt?.state === 'pending' && !isOnline) return calm('Will be sent when you are back online.')
  return undefined
}

function wakeNotice({ pending }: Exchange, { wait }: NoticeContext): Notice | undefined {
  if (pending?.cancelling && pending.wake?.state === 'failed') return calm('Stopped before an agent could be reached.')
  const { state, attempts = 0, error } = pending?.wake ?? {}
  if (state === 'failed') return danger(`The agent refuses: ${reasonIn(error?.message)}`, 'wake')
  if (state === 'waiting') return calm('Sent. The agent is woken when you are back online.')
  if (attempts > 1 || state === 'retrying') {
    if (state !== 'retrying' && state !== 'waking') return unanswered(pending)
    const next = state === 'waking' ? 'trying again' : wait ? `next in ${wait} s` : 'next in a moment'
    return warning(`The agent does not answer. Tried ${counted(attempts, 'time')}, ${next}.`, 'wake')
  }
  return unanswered(pending)
}

const unanswered = (pending: Exchange['pending']): Notice | undefined =>
  pending?.unanswered && warning('No agent has taken this up.', 'wake')

const calm = (words: string): Notice => ({ tone: 'calm', words, remedies: [] })
const warning = (words: string, ...remedies: Remedy[]): Notice => ({ tone: 'warning', words, remedies })
const danger = (words: string, ...remedies: Remedy[]): Notice => ({ tone: 'danger', words, remedies })
