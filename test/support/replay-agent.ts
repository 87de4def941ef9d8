import type * as Ably from 'ably'
import type { UIMessage, UIMessageChunk } from 'ai'
import { expect } from 'vitest'
import {
  createAgentSession,
  Invocation,
  type AgentRun,
  type AgentSession,
  type AgentStep,
  type PipeResult,
  type StepReason,
} from '../../src/agent'
import { deferred, type Deferred } from '../../src/core/signals'
import type { ChannelMessage } from '../../src/core/wire'
import { handFed, transportOf, type HandFed } from './agent'
import type { TestEndpoint } from './local'
import { RecordedChunks } from './recorded-chunks'
import { withoutAdditions, withPresence } from './transcripts'

/** One operation of an agent on the channel, with the ids and serials of the recording. */
export interface Done {
  action: string
  name?: string
  data: unknown
  extras: unknown
}

/** Places where other operations than the recorded ones are right. */
export interface Deviation {
  /** Operations of our agent before the recorded message of this number. */
  readonly extra?: Readonly<Record<number, Partial<Done>>>
  /** Recorded messages of an agent that ours does not publish. */
  readonly missing?: readonly number[]
  /** Appends that the channel refused after the recorded message of this number. */
  readonly refused?: Readonly<Record<number, string>>
}

type Run = AgentRun<UIMessage, UIMessageChunk>

interface Player {
  readonly run: Run
  readonly session: AgentSession<UIMessage, UIMessageChunk>
  readonly chunks: RecordedChunks
  /** Recorded outputs that were written too early here, because a step starts with its first chunk. */
  readonly written: Set<ChannelMessage>
  /** Holds cancels back until the position where the recorded one took effect. */
  held?: Deferred<void>
  step?: AgentStep<UIMessageChunk>
  source?: HandFed
  piping?: Promise<PipeResult>
  messageId?: string
  /** The end of its session, if the session ends the run. */
  leaving?: Promise<void>
}

const isAgents = ({ clientId }: ChannelMessage): boolean => clientId?.startsWith('agent-') ?? false

/** Replays a recording: users as recorded, and our agent in place of the recorded one. */
export class Replay {
  readonly #ids = new Map<string, string>()
  readonly #players = new Map<string, Player>()
  readonly #sessions = new Map<string, AgentSession<UIMessage, UIMessageChunk>>()
  readonly #people = new Map<string, Ably.RealtimeChannel>()
  readonly #done: Done[] = []
  readonly #name: string

  constructor(
    private readonly endpoint: TestEndpoint,
    private readonly wire: readonly ChannelMessage[],
    private readonly deviation: Deviation,
    name: string,
  ) {
    this.#name = `ai:replay-${name}`
  }

  /** Recorded operations, and those that our agent published instead. */
  async play(): Promise<{ recorded: Partial<Done>[]; published: Done[] }> {
    const recorded: Partial<Done>[] = []
    for (const [index, message] of this.wire.entries()) {
      if (!isAgents(message)) {
        await this.#publish(index)
        continue
      }
      const extra = this.deviation.extra?.[index]
      if (extra) recorded.push(extra)
      await this.#act(message)
      if (this.deviation.missing?.includes(index)) continue
      recorded.push(withPresence(doneOf(message)))
      await this.#until(recorded.length)
      this.#learn(message, this.#done[recorded.length - 1]!)
      await this.#refuse(message, this.deviation.refused?.[index])
    }
    return { recorded, published: this.#done.map((done) => this.#asRecorded(withoutAdditions(done))) }
  }

  async #until(count: number): Promise<void> {
    await until(() => this.#done.length >= count)
  }

  /** Publishes the inputs of users, the parts of one input together. */
  async #publish(index: number): Promise<void> {
    const message = this.wire[index]!
    const eventId = eventOf(message)
    const isPart = (other: ChannelMessage | undefined) => eventId !== undefined && other && eventOf(other) === eventId
    if (message.action !== 'message.create' || isPart(this.wire[index - 1])) return
    const parts = eventId === undefined ? [message] : this.wire.slice(index).filter(isPart)
    if (message.name === 'ai-cancel') this.#hold(transportOf(message))
    const channel = this.#person(message.clientId)
    await channel.publish(parts.map(({ name, data, extras }) => this.#asPublished({ name, data, extras })))
    await this.#heard(channel)
  }

  /** A cancel takes effect when the recorded one did. */
  #hold({ 'run-id': runId, 'input-codec-message-id': inputId }: Record<string, string>): void {
    for (const player of this.#players.values()) {
      const { run } = player
      if (runId === undefined ? inputId === run.inputId : runId === run.runId) player.held = deferred()
    }
  }

  /** Waits until the agents have received all published messages. */
  async #heard(channel: Ably.RealtimeChannel): Promise<void> {
    const [newest] = (await channel.history({ limit: 1 })).items
    const left = new Set([...this.#players.values()].filter(({ leaving }) => leaving).map(({ session }) => session))
    const attached = [...this.#sessions.values()].filter((session) => !left.has(session))
    for (const { tree } of attached) await until(() => tree.log.newest >= newest!.serial! || isForeign(newest!))
  }

  #act(message: ChannelMessage): Promise<void> {
    const transport = transportOf(message)
    if (message.name === 'ai-run-start' || message.name === 'ai-run-resume') return this.#start(message)
    const player = this.#players.get(transport['run-id']!)!
    switch (message.name) {
      case 'ai-step-start':
        return this.#startStep(player, message)
      case 'ai-step-end':
        return this.#endStep(player, transport['step-reason'] as 'complete')
      case 'ai-run-suspend':
        return player.run.suspend()
      case 'ai-run-end':
        return this.#end(player, transport)
      default:
        return this.#write(player, message)
    }
  }

  async #start(message: ChannelMessage): Promise<void> {
    const { 'run-id': runId = '', 'invocation-id': invocationId = '', ...transport } = transportOf(message)
    const inputId = transport['input-codec-message-id']
    const before = this.wire.slice(0, this.wire.indexOf(message))
    const input = before.findLast((each) => each.name === 'ai-input' && messageOf(each) === inputId)!
    const session = this.#session(message.clientId!)
    const invocation = Invocation.fromJSON({ inputEventId: eventOf(input), sessionName: this.#name })
    const onCancel = async () => {
      await this.#players.get(runId)?.held?.promise
    }
    const run = session.createRun(invocation, { runId, invocationId, onCancel })
    await run.start()
    this.#players.set(runId, { run, session, chunks: new RecordedChunks(), written: new Set() })
  }

  async #startStep(player: Player, message: ChannelMessage): Promise<void> {
    const { 'step-id': id = '', 'invocation-id': invocationId, 'run-id': runId } = transportOf(message)
    if (!id.startsWith(`${invocationId}-step-`)) {
      player.step = await player.run.step(id)
      return
    }
    const after = this.wire.slice(this.wire.indexOf(message))
    const first = after.find((each) => each.name === 'ai-output' && transportOf(each)['run-id'] === runId)!
    await this.#write(player, first)
    player.written.add(first)
  }

  async #write(player: Player, message: ChannelMessage): Promise<void> {
    if (player.written.has(message)) return
    if (player.messageId !== messageOf(message)) await this.#openPipe(player, message)
    const chunk = player.chunks.of(message)
    if (chunk) player.source!.push(chunk)
    else this.#stop(player)
  }

  async #openPipe(player: Player, message: ChannelMessage): Promise<void> {
    if (transportOf(message)['steer-codec-message-ids']) player.run.hasInput()
    player.source?.end()
    await player.piping
    player.messageId = messageOf(message)
    player.source = handFed()
    player.piping = (player.step ?? player.run).pipe(player.source.stream)
  }

  /** Lets the pipe end: after a cancel that was received, or because its stream ends. */
  #stop({ held, source }: Player): void {
    if (held) held.resolve()
    else source?.end()
  }

  async #endStep(player: Player, reason: StepReason): Promise<void> {
    const { step, source, session, held } = player
    if (reason === 'cancelled' && !held) player.leaving = session.end()
    else if (reason === 'failed' && !step) source!.fail(new Error('socket closed'))
    else this.#stop(player)
    await player.piping
    if (!player.leaving) await step?.end(reason)
    player.step = undefined
  }

  async #end({ run, leaving }: Player, transport: Record<string, string>): Promise<void> {
    if (leaving) return leaving
    const { 'run-reason': reason, 'error-code': code, 'error-message': message } = transport
    const error = message === undefined ? undefined : { code: Number(code), message }
    await run.end({ reason: reason as 'complete', error })
  }

  /** Writes a token that the channel refuses. */
  async #refuse(message: ChannelMessage, delta: string | undefined): Promise<void> {
    if (delta === undefined) return
    let isRefused = false
    this.endpoint.refusePublish((each) => each.channel === this.#name && each.data === delta && (isRefused = true), {
      times: 1,
    })
    const { codec } = (message.extras as { ai: { codec: Record<string, string> } }).ai
    this.#players.get(transportOf(message)['run-id']!)!.source!.push({ type: 'text-delta', id: codec.id!, delta })
    await until(() => isRefused)
  }

  #session(clientId: string): AgentSession<UIMessage, UIMessageChunk> {
    const known = this.#sessions.get(clientId)
    if (known) return known
    const client = this.endpoint.client({ clientId })
    this.#observe(client.channels.get(this.#name))
    const session = createAgentSession({ client, sessionName: this.#name, maxRate: Infinity })
    this.#sessions.set(clientId, session)
    return session
  }

  #person(clientId = ''): Ably.RealtimeChannel {
    const known = this.#people.get(clientId)
    if (known) return known
    const channel = this.endpoint.client(clientId ? { clientId } : {}).channels.get(this.#name)
    this.#people.set(clientId, channel)
    return channel
  }

  /** Records the messages of an agent on the channel. */
  #observe(channel: Ably.RealtimeChannel): void {
    const publish = channel.publish.bind(channel) as (messages: Ably.Message[]) => Promise<Ably.PublishResult>
    channel.publish = (async (messages: Ably.Message[]) => {
      const result = await publish(messages)
      for (const { name, data, encoding, extras } of messages) {
        const value: unknown = encoding === 'json' ? JSON.parse(data as string) : data
        this.#done.push({ action: 'create', name, data: value, extras })
      }
      return result
    }) as typeof channel.publish
    const revise =
      (action: string, send: typeof channel.appendMessage): typeof channel.appendMessage =>
      async (message, ...rest) => {
        const result = await send(message, ...rest)
        this.#done.push({ action, data: message.data, extras: message.extras })
        return result
      }
    channel.appendMessage = revise('append', channel.appendMessage.bind(channel))
    channel.updateMessage = revise('update', channel.updateMessage.bind(channel))
  }

  /** Stores which of our ids stands for which recorded one. */
  #learn(message: ChannelMessage, done: Done): void {
    const ours = transportOf(done)
    const theirs = transportOf(message)
    for (const header of ['codec-message-id', 'step-start-serial']) {
      if (theirs[header] !== undefined && ours[header] !== undefined) this.#ids.set(theirs[header], ours[header])
    }
  }

  readonly #asPublished = <T>(value: T): T => replaced(value, [...this.#ids])

  #asRecorded({ action, name, data, extras }: Done): Done {
    const ids = [...this.#ids].map(([theirs, ours]) => [ours, theirs] as const)
    return replaced({ action, ...(name !== undefined && { name }), data: data ?? undefined, extras }, ids)
  }
}

const eventOf = ({ extras }: ChannelMessage): string | undefined =>
  (extras as { ai?: { transport?: Record<string, string> } } | undefined)?.ai?.transport?.['event-id']

const messageOf = (message: ChannelMessage): string | undefined => transportOf(message)['codec-message-id']

const isForeign = (message: ChannelMessage): boolean => message.clientId === 'stranger'

async function until(holds: () => boolean): Promise<void> {
  await expect.poll(holds, { interval: 2 }).toBe(true)
}

const doneOf = ({ action = '', name, data, extras }: ChannelMessage): Done => ({
  action: action.replace('message.', ''),
  ...(name !== undefined && action === 'message.create' && { name }),
  data,
  extras,
})

function replaced<T>(value: T, pairs: readonly (readonly [string, string])[]): T {
  let text = JSON.stringify({ value })
  for (const [from, to] of pairs) text = text.replaceAll(from, to)
  return (JSON.parse(text) as { value: T }).value
}
