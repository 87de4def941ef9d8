import type { InboundMessage } from 'ably'

type Entries = Record<string, string>

/** A reply that is being streamed, message by message. */
export interface StreamedReply {
  /** What comes before the first token. */
  readonly lead: readonly InboundMessage[]
  token(text: string): InboundMessage
  /** Ends the text, the step and the run. */
  close(): readonly InboundMessage[]
}

/** Writes a conversation of one user and one agent as the messages of its channel. */
export class Conversation {
  #time = Date.UTC(2026, 0, 1)
  #lastId: string | undefined

  /** A prompt and a whole reply, oldest first, as history has them: streamed text in one piece. */
  turn(text: string): InboundMessage[] {
    const prompt = this.prompt('Tell me about the next sight on our way, please.')
    const { lead, end } = this.#reply()
    const stream = lead.at(-1)!
    const whole = { ...stream, data: text, action: 'message.update', extras: extrasOf(stream, 'complete') }
    return [prompt, ...lead.slice(0, -1), { ...whole, version: this.#version() } as InboundMessage, ...end()]
  }

  prompt(text: string): InboundMessage {
    const id = crypto.randomUUID()
    const parent: Entries = this.#lastId === undefined ? {} : { parent: this.#lastId }
    this.#lastId = id
    const transport = {
      role: 'user',
      'codec-message-id': id,
      'run-client-id': 'alice',
      'event-id': crypto.randomUUID(),
      ...parent,
      stream: 'false',
      discrete: 'true',
    }
    const codec = { kind: 'user-message', messageId: crypto.randomUUID(), partType: 'text' }
    return this.#create('alice', 'ai-input', transport, codec, text)
  }

  /** Begins a reply to the last prompt. */
  reply(): StreamedReply {
    const { lead, end } = this.#reply()
    const stream = lead.at(-1)!
    return {
      lead,
      token: (text) => this.#append(stream, text, 'streaming'),
      close: () => [this.#append(stream, '', 'complete'), ...end()],
    }
  }

  #reply(): { lead: InboundMessage[]; end: () => InboundMessage[] } {
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
    const discrete = (codec: Entries): InboundMessage =>
      this.#create('agent', 'ai-output', { ...message, stream: 'false', ...attempt }, codec, '')
    const text = { stream: 'true', status: 'streaming', 'stream-id': 't1', ...attempt }
    return {
      lead: [
        start,
        stepStart,
        discrete({ kind: 'start', messageId: crypto.randomUUID() }),
        discrete({ kind: 'start-step' }),
        this.#create('agent', 'ai-output', { ...message, ...text }, { kind: 'text', id: 't1' }, ''),
      ],
      end: () => [
        discrete({ kind: 'finish-step' }),
        discrete({ kind: 'finish', finishReason: 'stop' }),
        this.#create('agent', 'ai-step-end', { ...step, ...attempt, 'step-reason': 'complete' }),
        this.#create('agent', 'ai-run-end', { ...run, 'run-reason': 'complete' }),
      ],
    }
  }

  #create(clientId: string, name: string, transport: Entries, codec?: Entries, data?: string): InboundMessage {
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
    // What the SDK adds to a message beyond this, nobody here reads
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

/** Extras of their own for each message, as the SDK decodes them. */
function extrasOf(message: InboundMessage, status: string): unknown {
  const { transport, codec } = (message.extras as { ai: { transport: Entries; codec: Entries } }).ai
  return { ai: { transport: { ...transport, status }, codec: { ...codec } } }
}

const paragraph =
  'The old town rises above the river, and the tram climbs it in eleven minutes, past tiled houses and a small garden.'

/** The messages of a conversation with `count` visible messages, oldest first. */
export function messagesOf(conversation: Conversation, count: number): InboundMessage[] {
  return Array.from({ length: count / 2 }, () => conversation.turn(paragraph)).flat()
}
