import type { BusyVerb, NextSend, RunInfo } from 'vue-ai-transport'
import { counted } from './words'

/** A way to send a message: as the composer decides, by a verb, or into a certain run. */
export type Way = BusyVerb | { readonly runId: string } | undefined

/** A run that accepts steers. */
export interface Steerable {
  readonly runId: string
  readonly lane: number
  readonly name: string
}

/** The effects of Enter during an answer, for the menu. */
export const policies: Readonly<Record<BusyVerb, string>> = {
  alongside: 'sends alongside',
  interrupt: 'stops it, then sends',
  steer: 'adds to it',
  queue: 'queues',
  reject: 'waits for its end',
}

export const isPolicy = (word: unknown): word is BusyVerb => typeof word === 'string' && word in policies

/** The words on a button, for example "Stop 2 and send". */
export function labelOf({ verb, targets }: NextSend): string {
  if (verb === 'interrupt') return targets.length > 1 ? `Stop ${targets.length} and send` : 'Stop and send'
  return verb === 'steer' ? 'Add to answer' : verb === 'queue' ? 'Queue' : 'Send'
}

/**
 * The consequence of a send in a sentence.
 *
 * @param nameOf - the name of a run on the page
 */
export function consequenceOf(
  { verb, targets }: NextSend,
  nameOf: (target: NextSend['targets'][number]) => string,
): string {
  const [target] = targets
  const one = target ? nameOf(target) : 'the run'
  const consequences: Readonly<Record<NextSend['verb'], string>> = {
    send: 'Sends the message',
    alongside: 'Sends now, beside the active runs',
    interrupt: `Stops ${targets.length > 1 ? counted(targets.length, 'run') : one}, then sends`,
    steer: `Adds the message to ${one}`,
    queue: 'Sends when the runs before it are complete',
    reject: 'Sends when no answer is streaming',
  }
  return consequences[verb]
}

/** The verb for Ctrl or ⌘, Shift and Enter. */
export const alternativeTo = (policy: BusyVerb): BusyVerb => (policy === 'interrupt' ? 'alongside' : 'interrupt')

/** The id that a target of a send shares with its run or its prompt on the page. */
export const idOf = (target: NextSend['targets'][number]): string =>
  'runId' in target ? (target as RunInfo).runId : target.inputId
