import type { AccessPolicy } from './access'
import type { Codec } from './codec'
import { bySerial } from './collections'
import { ErrorCode, unableTo, type SessionError } from './errors'
import type { Row } from './log'
import { isSteer } from './run-state'
import { MessageName, type Headers } from './wire'

/** An answer that settled a call before a later one. */
export interface EarlierAnswer {
  readonly clientId: string | undefined
  /** The answer in a word, such as "denied". */
  readonly outcome: string
}

/** How answers are read. */
interface Reader {
  readonly codec: Codec<object>
  readonly access: AccessPolicy
}

/** A run as its answers need it. */
interface AnsweredRun {
  readonly contentRows: readonly Row[]
  /** Serials of the answers that its resumes name, oldest first. */
  readonly namedAnswers: readonly unknown[]
  readonly owner: string | undefined
}

/** The answers to the calls of a run that count. */
export interface Answers {
  /** Those that the agent has gone on with, then the others by serial. */
  readonly counted: readonly Row[]
  /** How many of them the agent has gone on with. */
  readonly actedCount: number
}

const isAnswer = (row: Row): boolean => row.name === MessageName.input && !isSteer(row)

/**
 * The answers that count in a run. Of several answers to a call the one counts that the agent has gone on with, as its
 * resumes name it, else the one with the lowest serial: the same for every client and for the agent.
 */
export function answersIn({ codec, access }: Reader, { contentRows, namedAnswers, owner }: AnsweredRun): Answers {
  const answers = contentRows.filter((row) => isAnswer(row) && access.canWrite(row, owner))
  const counted: Row[] = []
  let actedCount = 0
  const count = (row: Row | undefined): void => {
    if (row && !settledBefore(codec, { counted, actedCount }, row)) counted.push(row)
  }
  for (const serial of namedAnswers) {
    count(answers.find((row) => row.serial === serial))
    actedCount = counted.length
  }
  for (const row of answers) if (!counted.includes(row)) count(row)
  return { counted, actedCount }
}

/** The earlier answer because of which the given answer does not count; undefined if the given answer counts. */
export function settledBefore(
  codec: Codec<object>,
  { counted, actedCount }: Answers,
  { serial, codec: headers }: { readonly serial?: string; readonly codec: Headers },
): EarlierAnswer | undefined {
  for (const [index, row] of counted.entries()) {
    const isBehind = serial !== undefined && row.serial > serial
    if (row.serial === serial || (isBehind && index >= actedCount)) return undefined
    // NOTE: an approval leaves room for an output behind it. An output before an approval that counts does not count
    const excluding = isBehind && codec.settles?.(headers, row.codec) ? row.codec : headers
    const outcome = codec.settles?.(row.codec, excluding)
    if (outcome !== undefined) return { clientId: row.clientId, outcome }
  }
  return undefined
}

/** Why a later answer does not count. */
export const lateReason = ({ clientId, outcome }: EarlierAnswer): string =>
  `already answered by ${clientId || 'another client'}: ${outcome}`

export const alreadyAnswered = (earlier: EarlierAnswer): SessionError =>
  unableTo('answer', lateReason(earlier), ErrorCode.BadRequest)

/** The newest answer in a run that counts. */
export const newestAnswer = (reader: Reader, run: AnsweredRun): Row | undefined =>
  answersIn(reader, run).counted.toSorted(bySerial).at(-1)
