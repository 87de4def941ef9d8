import type { Codec } from './codec'
import { MultiMap } from './collections'
import { badRequest, type SessionError } from './errors'
import type { Row, RowHome } from './rows'
import { isSteer } from './run-state'
import { Header, MessageName, type Headers } from './wire'

/** An answer that settled a call before a later one. */
interface EarlierAnswer {
  readonly row: Row
  /** The answer in a word, such as "denied". */
  readonly outcome: string
}

/** Whether a row of a run is an answer to a question of the run. */
export const isAnswer = (row: Row): boolean => row.name === MessageName.input && !isSteer(row)

/** The message that an answer is about. A fork names a copy of it, so its answers compete with all to the same call. */
const aboutOf = (transport?: Headers): string | undefined => transport?.[Header.runId] && transport[Header.messageId]

/**
 * The answers that count in a run. Of several answers to a call the one counts that the agent has gone on with, as its
 * resumes and its end name it, else the one with the lowest serial: the same for every client and for the agent.
 * Answers of forks that replace the run are among them; those whose run has started are treated as named.
 */
export class Answers {
  /** Those that the agent has gone on with, then the others by serial. */
  readonly counted = new Set<Row>()
  /** Those that the agent has gone on with. */
  readonly acted = new Set<Row>()
  /** The one with the highest serial, of those that go into the run. */
  newest: Row | undefined
  #last = ''
  readonly #codec: Codec<object>
  readonly #byCall = new MultiMap<Row>()
  /** Whether a fork is late. */
  readonly #forks = new Map<RowHome | undefined, boolean>()

  /**
   * @param rows - the answers of clients with a right to answer, by serial
   * @param named - serials of the answers that the agent has gone on with, oldest first
   */
  constructor(codec: Codec<object>, rows: readonly Row[], named: readonly unknown[]) {
    this.#codec = codec
    const bySerial = new Map<unknown, Row>(named.length > 0 ? rows.map((row) => [row.serial, row]) : [])
    // The first named answer to a call excludes the other named ones
    for (const serial of named) this.#add(bySerial.get(serial), true)
    for (const row of rows) this.goOn(row)
  }

  /** Takes in one more answer; false when others come behind it. */
  goOn(row: Row): boolean {
    if (row.serial <= this.#last) return false
    this.#last = row.serial
    this.#add(row)
    return true
  }

  /** @param isActed - whether the agent has gone on with it */
  #add(row: Row | undefined, isActed = false): void {
    if (!row || this.counted.has(row) || this.#isOfLateFork(row) || this.before(row)) return
    this.counted.add(row)
    if (isActed) this.acted.add(row)
    if (row.transport[Header.runId] && row.serial > (this.newest?.serial ?? '')) this.newest = row
    this.#byCall.add(this.#callOf(row.codec), row)
  }

  /** Whether the first answer of a fork does not count: then none of its answers does. */
  isLateFork(fork: RowHome | undefined): boolean {
    return this.#forks.get(fork) === true
  }

  #isOfLateFork(row: Row): boolean {
    if (row.transport[Header.runId]) return false
    if (!this.#forks.has(row.home)) this.#forks.set(row.home, this.before(row) !== undefined)
    return this.isLateFork(row.home)
  }

  /**
   * The earlier answer because of which the given answer does not count; undefined if the given answer counts.
   *
   * @param given - a row, or an answer without a place on the channel
   * @param messageId - the message that it is about; a model may use the id of a call again in a later message
   */
  before(
    { serial, codec, transport }: Pick<Row, 'codec'> & Partial<Row>,
    messageId = aboutOf(transport),
  ): EarlierAnswer | undefined {
    if (!this.#codec.settles) return undefined
    for (const row of this.#byCall.of(this.#callOf(codec))) {
      const about = aboutOf(row.transport)
      if (messageId && about && messageId !== about) continue
      const isBehind = serial !== undefined && row.serial > serial
      if (row.serial === serial || (isBehind && !this.acted.has(row))) return undefined
      // NOTE: an approval leaves room for an output behind it. An output before an approval that counts does not count
      const excluding = isBehind && this.#codec.settles(codec, row.codec) ? row.codec : codec
      const outcome = this.#codec.settles(row.codec, excluding)
      if (outcome !== undefined) return { row, outcome }
    }
    return undefined
  }

  /**
   * Whether a row is an answer that does not count, because the agent has gone on with another one, or a fork came
   * first.
   */
  isOutdone(row: Row): boolean {
    const earlier = isAnswer(row) ? this.before(row)?.row : undefined
    return earlier !== undefined && (earlier.home !== row.home || this.acted.has(earlier))
  }

  #callOf(headers: Headers): string {
    return this.#codec.callOf?.(headers) ?? ''
  }
}

/** Why a later answer does not count. */
export const lateReason = ({ row, outcome }: EarlierAnswer): string =>
  `already answered by ${row.clientId || 'another client'}: ${outcome}`

export const alreadyAnswered = (earlier: EarlierAnswer): SessionError => badRequest('answer', lateReason(earlier))
