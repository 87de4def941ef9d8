import type * as Ably from 'ably'

type Headers = Record<string, string>

/** An agent played by the test: it publishes the messages of an agent, one at a time. */
export function handAgent(client: Ably.Realtime, channelName: string): HandAgent {
  return new HandAgent(client.channels.get(channelName))
}

export class HandAgent {
  constructor(readonly channel: Ably.RealtimeChannel) {}

  async startRun(runId: string, inputId: string, owner = '', more: Headers = {}): Promise<HandRun> {
    const transport = {
      'run-id': runId,
      'run-client-id': owner,
      'invocation-id': `${runId}-invocation`,
      'input-codec-message-id': inputId,
      parent: inputId,
      ...more,
    }
    await this.channel.publish({ name: 'ai-run-start', extras: { ai: { transport } } })
    return new HandRun(this.channel, transport)
  }

  /** Starts the run that a regenerate input requests. */
  async startRegeneration(runId: string, inputId: string, parent: string, target: string): Promise<HandRun> {
    return this.startRun(runId, inputId, '', { parent, 'msg-regenerate': target })
  }
}

export class HandRun {
  #texts = 0
  #invocations = 1
  /** The message that is streaming. */
  messageId: string

  constructor(
    private readonly channel: Ably.RealtimeChannel,
    private transport: Headers,
  ) {
    this.messageId = `${this.runId}-reply`
  }

  get runId(): string {
    return this.transport['run-id']!
  }

  /** Opens a text of the reply and returns functions that append to it and close it. */
  async text(kind = 'text'): Promise<HandText> {
    const extras = this.#content({ kind, id: `text-${++this.#texts}` }, 'true')
    const { serials } = await this.channel.publish({ name: 'ai-output', data: '', extras })
    return new HandText(this.channel, serials[0]!, extras)
  }

  /** Publishes a complete part. */
  async part(codec: Headers, data: unknown, more: Headers = {}): Promise<void> {
    await this.channel.publish({ name: 'ai-output', data, extras: this.#content(codec, 'false', more) })
  }

  /** Publishes a complete text as its own message that consumes these steers. */
  async say(messageId: string, said: string, steers: readonly string[] = []): Promise<void> {
    this.messageId = messageId
    const stamp: Headers = steers.length > 0 ? { 'steer-codec-message-ids': JSON.stringify(steers) } : {}
    await this.part({ kind: 'start', messageId }, '', stamp)
    const text = await this.text()
    await text.append(said)
    await text.close()
  }

  /** Calls a client tool. */
  async call(toolCallId: string, toolName = 'locate', input: unknown = {}): Promise<void> {
    await this.part({ kind: 'tool-input', toolCallId, toolName }, input)
  }

  async suspend(): Promise<void> {
    await this.#lifecycle('ai-run-suspend')
  }

  /** Resumes the run for this input. */
  async resume(inputId: string, more: Headers = {}): Promise<void> {
    const invocation = `${this.runId}-invocation-${++this.#invocations}`
    this.transport = { ...this.transport, 'invocation-id': invocation, 'input-codec-message-id': inputId }
    await this.#lifecycle('ai-run-resume', more)
  }

  async end(reason = 'complete', more: Headers = {}): Promise<void> {
    await this.#lifecycle('ai-run-end', { 'run-reason': reason, ...more })
  }

  async #lifecycle(name: string, more: Headers = {}): Promise<void> {
    await this.channel.publish({ name, extras: { ai: { transport: { ...this.transport, ...more } } } })
  }

  #content(codec: Headers, stream: 'true' | 'false', more: Headers = {}) {
    const transport: Headers = {
      ...this.transport,
      role: 'assistant',
      'codec-message-id': this.messageId,
      stream,
      ...more,
      ...(stream === 'true' && { status: 'streaming', 'stream-id': codec.id! }),
    }
    return { ai: { transport, codec } }
  }
}

export class HandText {
  constructor(
    private readonly channel: Ably.RealtimeChannel,
    private readonly serial: string,
    private readonly extras: { ai: { transport: Headers; codec: Headers } },
  ) {}

  async append(data: string): Promise<void> {
    await this.channel.appendMessage({ serial: this.serial, data, extras: this.extras })
  }

  async close(status = 'complete'): Promise<void> {
    const { transport, codec } = this.extras.ai
    const extras = { ai: { transport: { ...transport, status }, codec } }
    await this.channel.appendMessage({ serial: this.serial, data: '', extras })
  }
}
