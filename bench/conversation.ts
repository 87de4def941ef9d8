import type { InboundMessage } from 'ably'

type Entries = Record<string, string>

/** A part that is streaming. */
export interface StreamedPart {
  readonly start: InboundMessage
  token(text: string): InboundMessage
  end(): InboundMessage
  /** The whole part in one message, as history has it. */
  whole(text: string): InboundMessage
}

/** A reply that is streaming, message by message. */
export interface StreamedReply {
  /** The messages before the first part. */
  readonly lead: readonly InboundMessage[]
  /** Starts a part with these codec headers. */
  part(codec: Entries): StreamedPart
  text(): StreamedPart
  /** A complete part in one message. */
  say(codec: Entries, data: unknown): InboundMessage
  /** Ends the step and the run. */
  close(): readonly InboundMessage[]
}

/** Writes a conversation of one user and one agent as the messages of its channel. */
export class Conversation {
  #time = Date.UTC(2026, 0, 1)
  #lastId: string | undefined
  #lastPrompt: { id: string; parent: string | undefined } | undefined

  /** A prompt and a whole reply, oldest first, as history has them: streamed text in one piece. */
  turn(text: string): InboundMessage[] {
    return [this.prompt('Tell me about the next sight on our way, please.'), ...this.answer(text)]
  }

  /** A whole reply of some text parts. */
  answer(text: string, partCount = 1): InboundMessage[] {
    const reply = this.reply()
    const parts = Array.from({ length: partCount }, () => reply.text().whole(text))
    return [...reply.lead, ...parts, ...reply.close()]
  }

  prompt(text: string): InboundMessage {
    return this.#prompt(text, this.#lastId)
  }

  /** Another version of the last prompt. */
  edit(text: string): InboundMessage {
    const { id, parent } = this.#lastPrompt!
    return this.#prompt(text, parent, id)
  }

  /** Message id of the last prompt. */
  get lastPromptId(): string {
    return this.#lastPrompt!.id
  }

  #prompt(text: string, parent: string | undefined, forkOf?: string): InboundMessage {
    const id = crypto.randomUUID()
    this.#lastId = id
    this.#lastPrompt = { id, parent }
    const transport = {
      role: 'user',
      'codec-message-id': id,
      'run-client-id': 'alice',
      'event-id': crypto.randomUUID(),
      ...(parent !== undefined && { parent }),
      ...(forkOf !== undefined && { 'fork-of': forkOf }),
      stream: 'false',
      discrete: 'true',
    }
    const codec = { kind: 'user-message', messageId: crypto.randomUUID(), partType: 'text' }
    return this.#create('alice', 'ai-input', transport, codec, text)
  }

  /** A cancel of the last prompt. */
  cancel(): InboundMessage {
    const transport = { 'input-codec-message-id': this.#lastId!, 'event-id': crypto.randomUUID() }
    return this.#create('alice', 'ai-cancel', transport)
  }

  /** Starts a reply to the last prompt. */
  reply(): StreamedReply {
    const trigger = this.#lastId!
    const messageId = (this.#lastId = crypto.randomUUID())
    const who = {
      'run-id': crypto.randomUUID(),
      'run-client-id': 'alice',
      'invocation-id': crypto.randomUUID(),
      'input-client-id': 'alice',
    }
    const run = { ...who, 'input-codec-message-id': trigger }
    const step = { ...who, 'step-id': `${who['invocation-id']}-step-0`, 'step-client-id': 'alice' }
    const message = { role: 'assistant', 'codec-message-id': messageId, ...run, ...step, parent: trigger }
    const start = this.#create('agent', 'ai-run-start', { ...run, parent: trigger })
    const stepStart = this.#create('agent', 'ai-step-start', step)
    const attempt = { 'step-start-serial': stepStart.serial! }
    const say = (codec: Entries, data: unknown = ''): InboundMessage =>
      this.#create('agent', 'ai-output', { ...message, stream: 'false', ...attempt }, codec, data)
    const lead = [start, stepStart, say({ kind: 'start', messageId: crypto.randomUUID() }), say({ kind: 'start-step' })]
    let parts = 0
    const part = (codec: Entries): StreamedPart => {
      const stream = { stream: 'true', status: 'streaming', 'stream-id': `s${++parts}`, ...attempt }
      return this.#part(this.#create('agent', 'ai-output', { ...message, ...stream }, codec, ''))
    }
    return {
      lead,
      say,
      part,
      text: () => part({ kind: 'text', id: `t${parts}` }),
      close: () => [
        say({ kind: 'finish-step' }),
        say({ kind: 'finish', finishReason: 'stop' }),
        this.#create('agent', 'ai-step-end', { ...step, ...attempt, 'step-reason': 'complete' }),
        this.#create('agent', 'ai-run-end', { ...run, 'run-reason': 'complete' }),
      ],
    }
  }

  #part(start: InboundMessage): StreamedPart {
    return {
      start,
      token: (text) => this.#append(start, text, 'streaming'),
      end: () => this.#append(start, '', 'complete'),
      whole: (text) => {
        const whole = { ...start, data: text, action: 'message.update', extras: extrasOf(start, 'complete') }
        return { ...whole, version: this.#version() } as InboundMessage
      },
    }
  }

  #create(clientId: string, name: string, transport: Entries, codec?: Entries, data?: unknown): InboundMessage {
    const version = this.#version()
    const message = {
      id: `${clientId}:${version.serial}`,
      name,
      data,
      extras: { ai: codec ? { transport, codec } : { transport } },
      clientId,
      connectionId: clientId,
      timestamp: version.timestamp,
      serial: version.serial,
      action: 'message.create',
      version,
    }
    // The SDK adds more fields to a message, which no contender reads
    return message as unknown as InboundMessage
  }

  #append(stream: InboundMessage, data: string, status: string): InboundMessage {
    const { name: _, ...nameless } = stream
    const version = { ...this.#version(), clientId: 'agent' }
    return { ...nameless, data, action: 'message.append', extras: extrasOf(stream, status), version }
  }

  #version(): { serial: string; timestamp: number } {
    const timestamp = (this.#time += 7)
    return { serial: `0${timestamp}-000@site1:000`, timestamp }
  }
}

/** Separate extras objects for each message, as the SDK decodes them. */
function extrasOf(message: InboundMessage, status: string): unknown {
  const { transport, codec } = (message.extras as { ai: { transport: Entries; codec: Entries } }).ai
  return { ai: { transport: { ...transport, status }, codec: { ...codec } } }
}

export const paragraph =
  'The old town rises above the river, and the tram climbs it in eleven minutes, past tiled houses and a small garden.'

/** A channel's messages, oldest first, and the number of visible messages. */
export interface Past {
  messages: readonly InboundMessage[]
  shown: number
}

/** The messages of a conversation with `count` visible messages, oldest first. */
export function messagesOf(conversation: Conversation, count: number): InboundMessage[] {
  return Array.from({ length: count / 2 }, () => conversation.turn(paragraph)).flat()
}

/** A conversation with `shown` visible messages. */
export const pastOf = (shown: number): Past => ({ messages: messagesOf(new Conversation(), shown), shown })

/** Prompts and replies of this many text parts each, `partCount` of them in all. */
export function pastOfParts(partsPerReply: number, partCount: number): Past {
  const conversation = new Conversation()
  const turns = Array.from({ length: partCount / partsPerReply }, () => [
    conversation.prompt('And then?'),
    ...conversation.answer(paragraph, partsPerReply),
  ])
  return { messages: turns.flat(), shown: turns.length * 2 }
}
