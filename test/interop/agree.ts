import type { UIMessage } from 'ai'
import { expect } from 'vitest'
import { eventually } from '../support/eventually'
import type { Clients, Shown, User } from './actors'
import { peerFaults, type PeerFault } from './peer-faults'
import type { Room } from './room'

/**
 * Waits until our client shows these lines, and the peer's client the same session in every detail: message
 * ids, roles, parts, runs, owners, steps, reasons. Where the peer has a known fault, it must show exactly that
 * fault.
 */
export async function agree({ ours, peers }: Clients, lines: string[], ...faults: PeerFault[]): Promise<void> {
  await eventually(() => expect(told(ours)).toEqual(lines))
  await eventually(() => expect(plain(peers.shown())).toEqual(withFaults(plain(ours.shown()), faults)))
}

/** The same for clients that open the session now and load everything from history, ours in small pages. */
export async function newcomersAgree(room: Room, lines: string[], ...faults: PeerFault[]): Promise<void> {
  const newcomers = await room.join({ ourPageSize: 3, peersPageSize: 1000 })
  await Promise.all([newcomers.ours.load(100), newcomers.peers.load(100)])
  await agree(newcomers, lines, ...faults)
}

function withFaults(right: Shown, faults: PeerFault[]): Shown {
  return faults.reduce((shown, fault) => {
    const wrong = peerFaults[fault](structuredClone(shown))
    expect(wrong, `${fault}: makes no difference here`).not.toEqual(shown)
    return wrong
  }, right)
}

/** The visible messages, a line for each, as `role: parts`, and the statuses of the runs. */
export function told(user: User): string[] {
  const { messages, runs } = user.shown()
  const statuses = runs.map(({ status, error }) => (error ? `${status} ${error.code} ${error.message}` : status))
  return [...messages.map(({ message }) => lineOf(message)), `runs: ${statuses.join(', ')}`]
}

export const lineOf = ({ role, parts }: UIMessage): string => `${role}: ${parts.map(wordsOf).filter(Boolean).join(' ')}`

function wordsOf(part: UIMessage['parts'][number]): string {
  if (part.type === 'text') return part.text
  if ('toolCallId' in part) return `[${part.type} ${part.state}]`
  return part.type === 'step-start' ? '' : `[${part.type}]`
}

/** Copies of values that can still change, without undefined properties. */
export const plain = (shown: Shown): Shown => JSON.parse(JSON.stringify(shown)) as Shown
