import { alreadyAnswered, answersIn, settledBefore } from '../core/answers'
import type { SessionContext } from './context'
import type { Submission } from './submission'

/** How long to wait for the echo of a published answer, in milliseconds. It usually arrives at once. */
const echoLimit = 2000

/** Finds out which published answers count: of the answers to one call, the first on the channel. */
export class AnswerCheck<M extends object> {
  readonly #session: SessionContext<M>
  /** Answers whose echo has not arrived, by serial. */
  readonly #awaited = new Map<string, () => void>()

  constructor(session: SessionContext<M>) {
    this.#session = session
  }

  /**
   * Checks a submission that the channel has accepted. Where only some of its answers are late, the session's error tells.
   *
   * @param onLate - called before it throws
   * @throws SessionError 40003 when other answers have settled all its calls before
   */
  async check({ runId, answers, serials }: Submission, onLate: () => void): Promise<void> {
    const { tree } = this.#session
    const last = serials.at(-1)
    // NOTE: an answer of another client that comes before this one on the channel also arrives before its echo
    if (last) await this.#heard(last)
    const run = tree.runs.get(runId ?? '')
    if (!run) return
    const known = answersIn(tree, run)
    const errors = answers.flatMap(({ codec }, index) => {
      const earlier = settledBefore(tree.codec, known, { codec, serial: serials[index] })
      return earlier ? alreadyAnswered(earlier) : []
    })
    if (errors.length < answers.length) return errors.forEach((error) => this.#session.report(error))
    this.#session.act(onLate)
    throw errors[0]!
  }

  /** Looks for awaited echoes after a change. */
  review(): void {
    const { log } = this.#session.tree
    for (const [serial, resolve] of this.#awaited) if (log.get(serial)) resolve()
  }

  async #heard(serial: string): Promise<void> {
    const { tree, channel } = this.#session
    if (tree.log.get(serial) || !channel.hearsItself) return
    let timer: ReturnType<typeof setTimeout> | undefined
    await new Promise<void>((resolve) => {
      this.#awaited.set(serial, resolve)
      timer = setTimeout(resolve, echoLimit)
    })
    clearTimeout(timer)
    this.#awaited.delete(serial)
  }
}
