import type { InboundMessage } from 'ably'

type Entries = Record<string, string | undefined>

/** A run as its messages name it. */
export interface Run {
  readonly id: string
  /** Message id of its reply. */
  readonly reply: string
  readonly invocation: string
  /** Message id of the prompt or regenerate that it answers. */
  readonly input: string
  readonly parent: string
  readonly regenerates?: string
}

const user = 'alice'
const agent = 'agent'

/** Writes the messages of a channel one by one, of every kind that a session knows. */
export class Events {
  #time = Date.UTC(2026, 0, 1)
  #ids = 0

  /** An id as long as a UUID. */
  id(): string {
    return `00000000-0000-4000-8000-${String(++this.#ids).padStart(12, '0')}`
  }

  prompt({ id = this.id(), ...place }: { id?: string; parent?: string; forkOf?: string; runId?: string } = {}) {
    const { parent, forkOf, runId } = place
    const transport = { parent, 'fork-of': forkOf, 'run-id': runId, role: 'user', discrete: 'true' }
    return this.#input(id, transport, { kind: 'user-message', messageId: this.id(), partType: 'text' }, 'And then?')
  }

  request(id: string, parent: string, regenerates: string): InboundMessage {
    return this.#input(id, { parent, 'msg-regenerate': regenerates }, { kind: 'regenerate' }, '')
  }

  /** The output of a call, for a run that continues from a copy of the suspended one. */
  fork(id: string, waiting: Run): InboundMessage {
    const transport = { parent: waiting.parent, supersedes: waiting.id, role: 'assistant' }
    const part = { type: 'tool-look', toolCallId: 'call', state: 'input-available', input: {} }
    const message = { id: waiting.reply, role: 'assistant', parts: [part] }
    const data = { output: 'found', forkSeed: { messages: [{ codecMessageId: id, message }] } }
    return this.#input(id, transport, { kind: 'tool-result', toolCallId: 'call' }, data)
  }

  cancel(target: { runId?: string; inputId?: string }, by = user): InboundMessage {
    const names = { 'run-id': target.runId, 'input-codec-message-id': target.inputId }
    return this.#create(by, 'ai-cancel', { ...names, 'event-id': this.id() })
  }

  /** The agent's refusal of a cancel. */
  refusal(run: Run, { serial, clientId }: InboundMessage): InboundMessage {
    return this.#lifecycle(run, 'x-ai-cancel-refused', { 'cancel-serial': serial, 'cancel-client-id': clientId })
  }

  run(input: string, { parent = input, regenerates }: { parent?: string; regenerates?: string } = {}): Run {
    return { id: this.id(), reply: this.id(), invocation: this.id(), input, parent, regenerates }
  }

  start(run: Run): InboundMessage {
    return this.#lifecycle(run, 'ai-run-start', { parent: run.parent, 'msg-regenerate': run.regenerates })
  }

  suspend(run: Run): InboundMessage {
    return this.#lifecycle(run, 'ai-run-suspend')
  }

  resume(run: Run): InboundMessage {
    return this.#lifecycle(run, 'ai-run-resume')
  }

  end(run: Run): InboundMessage {
    return this.#lifecycle(run, 'ai-run-end', { 'run-reason': 'complete' })
  }

  stepStart(run: Run, stepId: string): InboundMessage {
    return this.#lifecycle(run, 'ai-step-start', { 'step-id': stepId, 'step-client-id': user })
  }

  stepEnd(run: Run, stepId: string, attempt: string): InboundMessage {
    const step = { 'step-id': stepId, 'step-start-serial': attempt, 'step-reason': 'complete' }
    return this.#lifecycle(run, 'ai-step-end', step)
  }

  /** A complete text of a reply, in the message with this id. */
  text(run: Run, { id = run.reply, ...step }: { id?: string; 'step-id'?: string; 'step-start-serial'?: string } = {}) {
    return this.#output(run, id, { kind: 'text', id: '0' }, 'The old town rises above the river.', {
      stream: 'true',
      status: 'complete',
      'stream-id': this.id(),
      ...step,
    })
  }

  /** A call that needs an answer. */
  call(run: Run): InboundMessage {
    const codec = { kind: 'tool-input', toolCallId: 'call', toolName: 'look' }
    return this.#output(run, run.reply, codec, {}, { stream: 'false' })
  }

  #input(id: string, transport: Entries, codec: Entries, data: unknown): InboundMessage {
    const own = { 'codec-message-id': id, 'run-client-id': user, 'event-id': this.id(), stream: 'false' }
    return this.#create(user, 'ai-input', { ...own, ...transport }, codec, data)
  }

  #output(run: Run, id: string, codec: Entries, data: unknown, stream: Entries): InboundMessage {
    const transport = { ...ofRun(run), parent: run.parent, role: 'assistant', 'codec-message-id': id, ...stream }
    return this.#create(agent, 'ai-output', transport, codec, data)
  }

  #lifecycle(run: Run, name: string, more: Entries = {}): InboundMessage {
    return this.#create(agent, name, { ...ofRun(run), ...more })
  }

  #create(clientId: string, name: string, transport: Entries, codec?: Entries, data?: unknown): InboundMessage {
    const timestamp = (this.#time += 7)
    const serial = `0${timestamp}-000@site1:000`
    const action = 'message.create'
    const version = { serial, timestamp }
    const message = { id: serial, name, data, extras: { ai: { transport, codec } }, clientId, timestamp }
    // As from the network: new strings, and no undefined fields
    return JSON.parse(JSON.stringify({ ...message, serial, action, version })) as InboundMessage
  }
}

const ofRun = ({ id, invocation, input }: Run): Entries => ({
  'run-id': id,
  'run-client-id': user,
  'invocation-id': invocation,
  'input-client-id': user,
  'input-codec-message-id': input,
})
