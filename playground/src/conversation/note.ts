import { countTokens } from '../../shared/tokens'
import type { Exchange } from './exchange'
import { statusOf, writtenOf } from './status'
import { clock, counted, nameOf, sentence } from './words'

/** The note of a run card below its answer. */
export function noteOf(exchange: Exchange, me: string): string {
  switch (statusOf(exchange)) {
    case 'starting':
    case 'waiting':
      return beginningOf(exchange)
    // NOTE: no note below a growing text, because it would move with every line
    case 'streaming':
    case 'stalled':
    case 'suspended':
      return ''
    case 'cancelling':
      return `Stop requested by ${stopperOf(exchange, me) ?? 'another client'}`
    case 'cancelled':
      return stoppedBy(stopperOf(exchange, me))
    case 'error':
      return sentence(reasonOf(exchange))
    default:
      return summaryOf(exchange)
  }
}

// NOTE: "in 0:00" reads like a fault, so a short answer takes a second
const second = 1000

function summaryOf(exchange: Exchange): string {
  const tokens = counted(countTokens(writtenOf(exchange)), 'token')
  const { startedAt, endedAt } = exchange.run ?? {}
  return startedAt === undefined || endedAt === undefined
    ? tokens
    : `${tokens} in ${clock(Math.max(second, endedAt - startedAt))}`
}

function beginningOf({ run, pending, prompt }: Exchange): string {
  if (run) return 'Thinking'
  if (prompt?.state === 'pending') return 'Sending'
  return pending?.wake?.state === 'accepted' ? 'Waiting for the agent' : 'Starting the agent'
}

const stoppedBy = (stopper: string | undefined): string => (stopper === undefined ? 'Stopped' : `Stopped by ${stopper}`)

/** Counts the tokens that arrived after Stop, as the agent has published it: the same on every device and after a reload. */
export function tailNoteOf(exchange: Exchange): string {
  const length = exchange.run?.stopped?.tail ?? 0
  return length > 0 ? `${counted(countTokens(writtenOf(exchange).slice(-length)), 'token')} arrived after Stop` : ''
}

function stopperOf({ run, pending }: Exchange, me: string): string | undefined {
  const { by, device } = run?.stopped ?? run?.cancelling ?? pending?.cancelling ?? {}
  return by === undefined ? undefined : nameOf(by, me, device)
}

const reasonOf = ({ run, pending, prompt }: Exchange): string =>
  run?.error?.message ?? prompt?.error?.message ?? pending?.wake?.error?.message ?? 'no reason given'
