import type * as Ably from 'ably'

type Headers = Record<string, string>

/** An agent played by the test: publishes what an agent would, one message at a time. */
export function handAgent(client: Ably.Realtime, channelName: string): HandAgent {
  return new HandAgent(client.channels.get(channelName))
}

export class HandAgent {
  constructor(readonly channel: Ably.RealtimeChannel) {}

  async startRun(runId: string, inputId: string, owner = ''): Promise<HandRun> {
    const transport = {
      'run-id': runId,
      'run-client-id': owner,
      'invocation-id': `${runId}-invocation`,
      'input-codec-message-id': inputId,
      parent: inputId,
    }
    await this.#publish('ai-run-start', transport)
    return new HandRun(this.channel, transport)
  }

  async #publish(name: string, transport: Headers): Promise<void> {
    await this.channel.publish({ name, extras: { ai: { transport } } })
  }
}

export class HandRun {
  #texts = 0

  constructor(
    private readonly channel: Ably.RealtimeChannel,
    private readonly transport: Headers,
  ) {}

  get runId(): string {
    return this.transport['run-id']!
  }

  /** Opens a text of the reply and answers with how to lengthen and close it. */
  async text(kind = 'text'): Promise<HandText> {
    const extras = this.#content({ kind, id: `text-${++this.#texts}` }, 'true')
    const { serials } = await this.channel.publish({ name: 'ai-output', data: '', extras })
    return new HandText(this.channel, serials[0]!, extras)
  }

  /** Publishes a whole part. */
  async part(codec: Headers, data: unknown): Promise<void> {
    await this.channel.publish({ name: 'ai-output', data, extras: this.#content(codec, 'false') })
  }

  async end(reason = 'complete', more: Headers = {}): Promise<void> {
    const transport = { ...this.transport, 'run-reason': reason, ...more }
    await this.channel.publish({ name: 'ai-run-end', extras: { ai: { transport } } })
  }

  #content(codec: Headers, stream: 'true' | 'false') {
    const transport: Headers = {
      ...this.transport,
      role: 'assistant',
      'codec-message-id': `${this.runId}-reply`,
      stream,
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
