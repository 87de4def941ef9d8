import { badRequest, toErrorInfo, type ErrorInfo } from '../wire/error'
import type { Answers } from '../persist/store'
import { Action, type ClientFrame, type ServerFrame } from '../wire/protocol'

/** The result of a publish. */
export type Answer = { serials: readonly (string | null)[] | undefined } | { error: ErrorInfo }

/** Carries out a publish: returns its answer, or a promise if it is delayed. */
type PublishHandler = (frame: ClientFrame, msgSerial: number) => Answer | Promise<Answer>

/** How many answers are remembered for a client that repeats publishes after a lost connection. */
const MAX_ANSWERS = 10_000

/** How many publishes may wait at once. */
const MAX_WAITING = 10_000

/**
 * The publishes of one connection, carried out and answered in order. It outlives transports: a repeated publish
 * gets the answer that the client missed, and is not published twice.
 */
export class PublishQueue {
  readonly #handle: PublishHandler
  readonly #send: (frame: ServerFrame) => void
  readonly #answers = new Map<number, Answer>()
  readonly #waiting: { msgSerial: number; frame: ClientFrame }[] = []
  #newest = -1
  #isHeld = false

  constructor(handle: PublishHandler, send: (frame: ServerFrame) => void) {
    this.#handle = handle
    this.#send = send
  }

  /** Restores the answers of an earlier start of the endpoint. */
  recall(answers: Answers) {
    for (const [msgSerial, serials] of answers) this.#answers.set(msgSerial, { serials })
  }

  /**
   * Adds a frame that needs an ACK.
   * @throws ProtocolError 40000 if too many are waiting
   */
  push(frame: ClientFrame) {
    const { msgSerial } = frame
    if (msgSerial === undefined) return
    const answer = this.#answers.get(msgSerial)
    if (answer) return this.#reply(msgSerial, answer)
    if (msgSerial <= this.#newest) return
    if (this.#waiting.length >= MAX_WAITING) throw badRequest('too many publishes waiting')
    this.#newest = msgSerial
    this.#waiting.push({ msgSerial, frame })
    this.#run()
  }

  #run() {
    while (!this.#isHeld) {
      const next = this.#waiting.shift()
      if (!next) return
      const answer = this.#handle(next.frame, next.msgSerial)
      if (answer instanceof Promise) void this.#hold(next.msgSerial, answer)
      else this.#settle(next.msgSerial, answer)
    }
  }

  async #hold(msgSerial: number, promise: Promise<Answer>) {
    this.#isHeld = true
    const answer = await promise.catch((error: unknown): Answer => ({ error: toErrorInfo(error) }))
    this.#isHeld = false
    this.#settle(msgSerial, answer)
    this.#run()
  }

  #settle(msgSerial: number, answer: Answer) {
    this.#answers.set(msgSerial, answer)
    const [oldest] = this.#answers.keys()
    if (oldest !== undefined && this.#answers.size > MAX_ANSWERS) this.#answers.delete(oldest)
    this.#reply(msgSerial, answer)
  }

  #reply(msgSerial: number, answer: Answer) {
    if ('error' in answer) this.#send({ action: Action.Nack, msgSerial, count: 1, error: answer.error })
    else {
      const res = answer.serials && [{ serials: answer.serials }]
      this.#send({ action: Action.Ack, msgSerial, count: 1, res })
    }
  }
}
