import type { Exchange } from './exchange'
import { counted, reasonIn } from './words'

/** An action against a problem: send again, discard the prompt, wake the agent, regenerate. */
export type Remedy = 'resend' | 'discard' | 'wake' | 'again'

/** A problem with an exchange, in words. */
export interface Notice {
  readonly tone: 'calm' | 'warning' | 'danger'
  readonly words: string
  readonly remedies: readonly Remedy[]
}

/** The context of a notice besides the exchange. */
export interface NoticeContext {
  readonly isOnline: boolean
  /** Seconds until the next wake-up, if known. */
  readonly wait?: number
}

/** The notice for a prompt that is held up, a run whose agent is gone, or a Stop without a response; undefined if there is no problem. */
export const noticeOf = (exchange: Exchange, context: NoticeContext): Notice | undefined =>
  stopNotice(exchange) ??
  (exchange.run ? undefined : (promptNotice(exchange, context) ?? wakeNotice(exchange, context)))

/** The state of a run whose agent is gone. */
const stalledWords = "The agent isn't responding. The partial answer is kept."
/** The same before its Stop, which another agent then handles. */
export const stalledHint = `${stalledWords} Stop ends the run.`

function stopNotice({ run, pending }: Exchange): Notice | undefined {
  const { pending: isKept, refused, unanswered, wake } = run?.cancelling ?? pending?.cancelling ?? {}
  if (refused) return warning('The agent refused to stop. The answer continues.')
  if (isKept) return calm("Stops when you're back online.")
  if (run?.stalled && !run.cancelling) return warning(stalledHint, 'again')
  if (wake?.state === 'failed') return danger(`${stalledWords} No agent was reached to end the run.`, 'wake')
  if (unanswered && run) return warning(wake ? `${stalledWords} Another agent ends the run.` : stalledWords, 'again')
  if (unanswered && pending?.wake?.state !== 'failed') return warning("The agent isn't responding.")
  return undefined
}

function promptNotice({ prompt }: Exchange, { isOnline }: NoticeContext): Notice | undefined {
  if (prompt?.state === 'failed') return danger(`Not sent: ${reasonIn(prompt.error?.message)}`, 'resend', 'discard')
  if (prompt?.state === 'pending' && !isOnline) return calm("Sends when you're back online.")
  return undefined
}

function wakeNotice({ pending }: Exchange, { wait }: NoticeContext): Notice | undefined {
  if (pending?.cancelling && pending.wake?.state === 'failed') return calm('Stopped before the agent was reached.')
  const { state, attempts = 0, error } = pending?.wake ?? {}
  if (state === 'failed') return danger(`The agent refused: ${reasonIn(error?.message)}`, 'wake')
  if (state === 'waiting') return calm("Sent. The agent starts when you're back online.")
  if (attempts > 1 || state === 'retrying') {
    if (state !== 'retrying' && state !== 'waking') return unanswered(pending)
    const next = state === 'waking' ? 'trying again' : wait ? `next try in ${wait} s` : 'next try in a moment'
    return warning(`The agent isn't responding. Tried ${counted(attempts, 'time')}, ${next}.`, 'wake')
  }
  return unanswered(pending)
}

const unanswered = (pending: Exchange['pending']): Notice | undefined =>
  pending?.unanswered && warning("The agent hasn't picked this up.", 'wake')

const calm = (words: string): Notice => ({ tone: 'calm', words, remedies: [] })
const warning = (words: string, ...remedies: Remedy[]): Notice => ({ tone: 'warning', words, remedies })
const danger = (words: string, ...remedies: Remedy[]): Notice => ({ tone: 'danger', words, remedies })
