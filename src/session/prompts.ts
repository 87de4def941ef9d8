import type { Channel } from '../ably/session-channel'
import type { Codec, Input } from '../core/codec'
import { ErrorCode, SessionError, toSessionError } from '../core/errors'
import { newId } from '../core/id'
import type { Row } from '../core/log'
import type { ReactivePort, Signal } from '../core/port'
import type { Tree } from '../core/tree'
import { Header, headers, MessageName, type Headers, type OutgoingMessage } from '../core/wire'
import { ActiveRun, type ActiveRunHost } from './active-run'
import { Wake, type AgentTarget, type WakeInfo } from './wake'

/** What can be sent: text, a whole message, or codec inputs. */
export type Given<M> = string | M | Input<M> | readonly Input<M>[]

/** A run by its id, or one that has not started by its prompt's message id. */
export type CancelTarget = string | { inputId: string }

export interface SendOptions {
  /**
   * What happens to runs of this view that are active: `alongside` leaves them alone, `interrupt` cancels them first.
   * @default 'alongside'
   */
  whenBusy?: 'alongside' | 'interrupt'
  /**
   * With `interrupt`: send right behind the cancels, or when the interrupted runs have ended (at most 2 s later).
   * @default 'published'
   */
  waitFor?: 'published' | 'ended'
  /** The message id that this prompt follows. @default the last message of the view */
  parent?: string
  /** Whether to wake the session's agent. @default true */
  wake?: boolean
}

/** Options of sends whose place in the conversation is given. */
export type PlacedSendOptions = Omit<SendOptions, 'parent'>

/** A send with what only verbs of the view may say. */
export interface Placement extends SendOptions {
  forkOf?: string
  regenerates?: string
  /** Called when the prompt stands in the tree. */
  onPlaced?: (inputId: string) => void
}

interface Sent<M extends object> {
  run: ActiveRun<M>
  eventId: string
  messages: readonly OutgoingMessage[]
  wakes: boolean
  wake?: Wake
}

export interface PromptsHost<M extends object> {
  readonly channel: Channel
  readonly tree: Tree<M>
  readonly codec: Codec<M>
  readonly port: ReactivePort
  readonly agent: AgentTarget | undefined
  /** @throws SessionError when there is no session to send to. */
  checkOpen(): void
  /** Resolves when the channel can be published to. */
  ready(): Promise<void>
  /** Makes a local change visible. */
  flush(): void
  /** Makes a change visible that is in no row. */
  runsChanged(): void
  run: Pick<ActiveRunHost<M>, 'runOfInput' | 'messagesOfRun'>
}

/** Prompts and cancels on their way out, and the handles of the runs they lead to. */
export class Prompts<M extends object> {
  readonly #sent = new Map<string, Sent<M>>()
  readonly #changed: Signal
  #isClosed = false

  constructor(private readonly host: PromptsHost<M>) {
    this.#changed = host.port.signal()
  }

  /** The handle of a prompt sent by this session. */
  handle(inputId: string): ActiveRun<M> | undefined {
    return this.#sent.get(inputId)?.run
  }

  wakeOf(inputId: string): WakeInfo | undefined {
    this.#changed.track()
    return this.#sent.get(inputId)?.wake?.info
  }

  async send(given: Given<M>, placement: Placement): Promise<ActiveRun<M>> {
    this.host.checkOpen()
    const inputs = this.host.codec.inputs(given)
    const introducing = inputs.filter((input) => input.type === 'message')
    if (inputs.length === 0 || introducing.length > 1) {
      throw new SessionError(
        `unable to send; a send takes one or more inputs of which at most one is a new message, not ${inputs.length} with ${introducing.length}`,
        ErrorCode.BadRequest,
      )
    }
    const all = inputs.map((input) => this.#prepare(input, placement))
    const sent = all.at(-1)!
    placement.onPlaced?.(sent.run.inputId)
    this.host.flush()
    for (const each of all) await this.#publish(each)
    this.#wake(sent)
    return sent.run
  }

  /** Publishes a request to stop; resolves when the channel has it. */
  async cancel(target: CancelTarget): Promise<void> {
    const transport = headers({
      [Header.eventId]: newId(),
      ...(typeof target === 'string' ? { [Header.runId]: target } : { [Header.inputId]: target.inputId }),
    })
    try {
      await this.host.ready()
      await this.host.channel.publish([{ name: MessageName.cancel, extras: { ai: { transport } } }])
    } catch (cause) {
      throw toSessionError('cancel the run', ErrorCode.SendFailed, cause)
    }
  }

  /** Takes a prompt that could not be published out of the conversation. */
  discard(inputId: string): void {
    const sent = this.#sent.get(inputId)
    const node = this.host.tree.inputs.get(inputId)
    if (!sent || !node?.isFailed) return
    this.#sent.delete(inputId)
    this.host.tree.discardLocal(inputId)
    sent.run.abandon(new SessionError('unable to run the prompt; it was discarded', ErrorCode.Closed))
    this.host.flush()
  }

  /** Lets handles follow what the tree has settled. */
  follow(inputId: string): void {
    const sent = this.#sent.get(inputId)
    if (!sent) return
    sent.wake?.stop()
    if (sent.run.follow() === 'ended') this.#sent.delete(inputId)
  }

  close(error: SessionError): void {
    this.#isClosed = true
    for (const { run, wake } of this.#sent.values()) {
      wake?.stop()
      run.abandon(error)
    }
    this.#sent.clear()
  }

  #prepare(input: Input<M>, placement: Placement): Sent<M> {
    const { role, parts } = this.host.codec.encode(input)
    const inputId = newId()
    const eventId = newId()
    const isMessage = input.type === 'message'
    const transport = headers({
      [Header.role]: role,
      [Header.messageId]: inputId,
      [Header.owner]: this.host.channel.clientId,
      [Header.eventId]: eventId,
      [Header.parent]: placement.parent,
      [Header.forkOf]: placement.forkOf,
      [Header.regenerates]: placement.regenerates,
      [Header.streamed]: 'false',
      [Header.discrete]: isMessage ? 'true' : undefined,
    })
    const messages = parts.map(({ codec, data }, index) => ({
      // NOTE: Ably discards a repeated id, so publishing again after an unclear failure cannot double the prompt
      id: `${eventId}:${index}`,
      name: MessageName.input,
      data,
      extras: { ai: { transport, codec } },
    }))
    if (isMessage)
      this.host.tree.addLocal(
        inputId,
        parts.map(({ codec, data }) => this.#localRow(transport, codec, data)),
      )
    const run = new ActiveRun<M>(this.#runHost(), inputId, eventId)
    const sent: Sent<M> = { run, eventId, messages, wakes: placement.wake ?? true }
    this.#sent.set(inputId, sent)
    return sent
  }

  /** A row as the echo will bring it, without a serial yet. */
  #localRow(transport: Headers, codec: Headers, data: unknown): Row {
    const { clientId } = this.host.channel
    return {
      serial: '',
      version: '',
      name: MessageName.input,
      transport,
      codec,
      data,
      clientId,
      timestamp: Date.now(),
      partial: false,
      deleted: false,
    }
  }

  async #publish(sent: Sent<M>): Promise<void> {
    const { run, messages } = sent
    try {
      await this.host.ready()
      await this.host.channel.publish(messages)
      sent.messages = []
    } catch (cause) {
      const error = toSessionError('send the prompt', ErrorCode.SendFailed, cause)
      this.host.tree.failLocal(run.inputId, { code: error.code, message: error.message })
      run.abandon(error)
      this.host.flush()
      throw error
    }
  }

  #wake(sent: Sent<M>): void {
    const { agent, port } = this.host
    if (!agent || !sent.wakes || this.#isClosed || this.host.run.runOfInput(sent.run.inputId)) return
    sent.wake = new Wake(agent, sent.run.toInvocation(), port, (error) => sent.run.abandon(error))
    this.#changed.trigger()
    this.host.runsChanged()
  }

  async #republish(inputId: string): Promise<void> {
    const sent = this.#sent.get(inputId)
    const node = this.host.tree.inputs.get(inputId)
    if (!sent || !node?.isFailed) return
    this.host.tree.retryLocal(inputId)
    sent.run.renew()
    this.host.flush()
    await this.#publish(sent)
    this.#wake(sent)
  }

  #runHost(): ActiveRunHost<M> {
    return {
      sessionName: this.host.channel.name,
      ...this.host.run,
      promptState: (inputId) => (this.host.tree.inputs.get(inputId)?.isFailed ? 'failed' : 'pending'),
      wakeOf: (inputId) => this.wakeOf(inputId),
      cancel: (target) => this.cancel(target),
      republish: (inputId) => this.#republish(inputId),
      discard: (inputId) => this.discard(inputId),
    }
  }
}
