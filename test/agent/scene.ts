import type { ChannelMessage } from '../../src/core/wire'

type Headers = Record<string, string>

/**
 * A conversation on a channel, built message by message. The test gives the ids; an input's event id is
 * `event-<id>`.
 */
export class Scene {
  readonly messages: ChannelMessage[] = []
  #run: Headers = {}

  prompt(id: string, text: string, parent?: string, headers: Headers = {}): this {
    const transport = { role: 'user', ...inputOf(id, parent), ...headers }
    return this.#add('ai-input', transport, { kind: 'user-message', messageId: id, partType: 'text' }, text)
  }

  regenerate(id: string, target: string, parent: string): this {
    return this.#add('ai-input', { ...inputOf(id, parent), 'msg-regenerate': target }, { kind: 'regenerate' }, '')
  }

  /** Starts a run, to which the next messages belong. */
  run(runId: string, inputId: string, headers: Headers = {}): this {
    this.#run = {
      'run-id': runId,
      'invocation-id': `${runId}-i`,
      'input-codec-message-id': inputId,
      parent: inputId,
      ...headers,
    }
    return this.#add('ai-run-start', this.#run)
  }

  text(messageId: string, text: string): this {
    const transport = {
      ...this.#run,
      role: 'assistant',
      'codec-message-id': messageId,
      stream: 'true',
      status: 'streaming',
      'stream-id': 't',
    }
    return this.#add('ai-output', transport, { kind: 'text', id: 't' }, text)
  }

  /** A complete part of the run's output. */
  part(messageId: string, codec: Headers, data: unknown, headers: Headers = {}): this {
    return this.#add(
      'ai-output',
      { ...this.#run, role: 'assistant', 'codec-message-id': messageId, stream: 'false', ...headers },
      codec,
      data,
    )
  }

  /** Adds an input to the run: an answer if the message id is one of the run's, else a steer. */
  say(messageId: string, codec: Headers, data: unknown, headers: Headers = {}): this {
    const isMessage = codec.kind === 'user-message'
    const transport = {
      ...inputOf(messageId),
      role: 'user',
      'run-id': this.#run['run-id']!,
      ...(isMessage && { discrete: 'true' }),
      ...headers,
    }
    return this.#add('ai-input', transport, codec, data)
  }

  end(reason = 'complete', headers: Headers = {}): this {
    const { parent: _, ...transport } = this.#run
    return this.#add('ai-run-end', { ...transport, 'run-reason': reason, ...headers })
  }

  cancel(runId: string): this {
    return this.#add('ai-cancel', { 'event-id': `cancel-${runId}`, 'run-id': runId })
  }

  cancelInput(inputId: string): this {
    return this.#add('ai-cancel', { 'event-id': `cancel-${inputId}`, 'input-codec-message-id': inputId })
  }

  #add(name: string, transport: Headers, codec?: Headers, data?: unknown): this {
    const serial = `${String(this.messages.length + 1).padStart(8, '0')}-000`
    this.messages.push({
      name,
      data,
      serial,
      version: { serial },
      action: 'message.create',
      clientId: name === 'ai-input' || name === 'ai-cancel' ? 'alice' : 'agent',
      timestamp: this.messages.length,
      extras: { ai: { transport, ...(codec && { codec }) } },
    })
    return this
  }
}

export const scene = (): Scene => new Scene()

const inputOf = (id: string, parent?: string): Headers => ({
  'codec-message-id': id,
  'event-id': `event-${id}`,
  'run-client-id': 'alice',
  stream: 'false',
  ...(parent !== undefined && { parent }),
})
