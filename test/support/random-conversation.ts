import type { ChannelMessage } from '../../src/core/wire'

/** The kind of the next event, and numbers that select its target. */
export type Happening = readonly [kind: number, a: number, b: number]

interface Run {
  id: string
  inputId: string
  parent: string | undefined
  invocation: number
  /** Headers of every message of its agent. */
  headers: Record<string, string>
  /** Message ids in order. */
  messages: string[]
  steps: { id: string; attempt: string }[]
  streams: ChannelMessage[]
  calls: { id: string; messageId: string }[]
  steers: string[]
  isSuspended: boolean
}

/** Users and agents on a simulated channel, with the messages that a live subscriber receives. */
export class RandomConversation {
  readonly wire: ChannelMessage[] = []
  /** All message ids so far. */
  readonly ids = new Set<string>()
  readonly #prompts: { id: string; parent: string | undefined }[] = []
  readonly #runs: Run[] = []
  readonly #rows: ChannelMessage[] = []
  #clock = 0
  #count = 0

  /** Adds an event; without a valid target nothing happens. */
  readonly happen = ([kind, a, b]: Happening): void => {
    this.#happenings[kind % this.#happenings.length]!(a, b)
  }

  static readonly kinds = 46

  // NOTE: events that are listed more often happen more often
  readonly #happenings: What[] = [
    ...times(4, (a, b) => this.#prompt(a, b)),
    ...times(2, (a, b) => this.#edit(a, b)),
    ...times(5, (a) => this.#answer(a)),
    ...times(3, (a, b) => this.#regenerate(a, b)),
    ...times(5, (a, b) => this.#stream(a, b)),
    ...times(4, (a, b) => this.#append(a, b)),
    ...times(2, (a, b) => this.#discrete(a, b)),
    ...times(4, (a, b) => this.#call(a, b)),
    ...times(2, (a, b) => this.#callResult(a, b)),
    ...times(2, (a) => this.#suspend(a)),
    ...times(2, (a, b) => this.#resume(a, b)),
    ...times(4, (a) => this.#fork(a)),
    ...times(2, (a, b) => this.#end(a, b)),
    ...times(1, (a) => this.#retryStep(a)),
    ...times(2, (a, b) => this.#steer(a, b)),
    ...times(1, (a, b) => this.#cancel(a, b)),
    ...times(1, (a, b) => this.#change(a, b)),
  ]

  #id(prefix: string): string {
    const id = `${prefix}${++this.#count}`
    return id
  }

  #mention(prefix: string): string {
    const id = this.#id(prefix)
    this.ids.add(id)
    return id
  }

  /** Publishes a message; the clocks of two sites differ, so serials do not always grow. */
  #create(name: string, transport: Record<string, string | undefined>, codec = {}, data: unknown = '', skew = 0) {
    this.#clock++
    const serial = `s${String(1000 + this.#clock * 10 - skew * 25 + (skew ? 3 : 0)).padStart(6, '0')}-${this.#clock}`
    const headers = JSON.parse(JSON.stringify(transport)) as Record<string, string>
    const message: ChannelMessage = {
      name,
      data,
      serial,
      version: { serial },
      action: 'message.create',
      timestamp: this.#clock,
      clientId: headers['run-client-id'] ?? 'agent',
      extras: { ai: { transport: headers, codec } },
    }
    this.wire.push(message)
    this.#rows.push(message)
    return message
  }

  #revise(message: ChannelMessage, action: string, data: unknown, change: Record<string, string> = {}, isBare = false) {
    const { ai } = message.extras as { ai: { transport: Record<string, string>; codec: object } }
    const extras = { ai: { transport: { ...ai.transport, ...change }, codec: ai.codec } }
    const { name, ...rest } = message
    this.wire.push({
      ...rest,
      ...(action !== 'message.append' && { name }),
      action,
      data,
      extras: isBare ? undefined : extras,
      version: { serial: `v${String(++this.#clock).padStart(6, '0')}` },
    })
  }

  #anyMessage(at: number): string | undefined {
    const ids = [...this.#prompts.map(({ id }) => id), ...this.#runs.flatMap(({ messages }) => messages)]
    return at % 7 === 0 ? undefined : ids.at(-1 - (at % 4))
  }

  #pick<T>(list: readonly T[], at: number): T | undefined {
    return list[list.length - 1 - (at % Math.min(list.length, 6))]
  }

  #open = (at: number): Run | undefined =>
    this.#pick(
      this.#runs.filter((run) => !run.isSuspended),
      at,
    )

  #prompt(at: number, size: number, parent = this.#anyMessage(at), forkOf?: string): void {
    const id = this.#mention('p')
    this.#prompts.push({ id, parent })
    for (let part = 0; part <= size % 3; part++) {
      this.#create(
        'ai-input',
        { role: 'user', 'codec-message-id': id, 'event-id': `e-${id}`, 'run-client-id': `user${size % 2}`, parent, 'fork-of': forkOf, stream: 'false' },
        { kind: 'user-message', messageId: id, partType: 'text' },
        `${id}.${part}`,
        size % 5 === 0 ? 1 : 0,
      ) // prettier-ignore
    }
  }

  #edit(at: number, size: number): void {
    const prompt = this.#pick(this.#prompts, at)
    if (prompt) this.#prompt(at, size, prompt.parent, prompt.id)
  }

  #answer(at: number): void {
    const prompt = this.#pick(this.#prompts, at)
    if (prompt) this.#start(prompt.id, prompt.id, {}, at)
  }

  #start(inputId: string, parent: string | undefined, more: Record<string, string>, at: number): Run {
    const id = this.#id('r')
    const headers = {
      'run-id': id,
      'run-client-id': at % 9 === 0 ? '' : `user${at % 2}`,
      'invocation-id': `${id}-i0`,
      'input-codec-message-id': inputId,
      ...more,
    }
    const run: Run = { id, inputId, parent, invocation: 0, headers, messages: [], steps: [], streams: [], calls: [], steers: [], isSuspended: false } // prettier-ignore
    this.#runs.push(run)
    this.#create('ai-run-start', { ...headers, parent }, {}, '', at % 6 === 0 ? 1 : 0)
    return run
  }

  #regenerate(at: number, which: number): void {
    const run = this.#pick(
      this.#runs.filter(({ messages }) => messages.length > 0),
      at,
    )
    if (!run) return
    const index = which % run.messages.length
    const carrier = this.#id('c')
    const parent = index === 0 ? run.parent : run.messages[index - 1]
    const target = (index === 0 && run.headers['msg-regenerate']) || run.messages[index]!
    this.#create(
      'ai-input',
      { 'codec-message-id': carrier, 'event-id': `e-${carrier}`, parent, 'msg-regenerate': target },
      { kind: 'regenerate' },
    )
    this.#start(carrier, parent, { 'msg-regenerate': target }, at)
  }

  /** Headers of an output: sometimes of a new message, else of the run's last one. */
  #outputHeaders(run: Run, at: number): Record<string, string | undefined> {
    if (run.messages.length === 0 || at % 3 === 0) run.messages.push(this.#mention('m'))
    if (run.steps.length === 0 || at % 8 === 0) this.#step(run)
    const step = run.steps.at(-1)!
    const steers = run.steers.length > 0 && at % 2 === 0 ? JSON.stringify(run.steers) : undefined
    return {
      ...run.headers,
      role: 'assistant',
      'codec-message-id': run.messages.at(-1),
      parent: run.invocation > 0 ? run.messages[0] : run.parent,
      'step-id': step.id,
      'step-start-serial': step.attempt,
      'steer-codec-message-ids': steers,
    }
  }

  #step(run: Run, id = `${run.id}-s${run.steps.length}`): void {
    const { serial } = this.#create('ai-step-start', { ...run.headers, 'input-codec-message-id': undefined, 'step-id': id, 'step-client-id': 'a' }) // prettier-ignore
    run.steps.push({ id, attempt: serial! })
  }

  #stream(at: number, size: number): void {
    const run = this.#open(at)
    if (!run) return
    const streamId = this.#id('t')
    const kind = size % 4 === 0 ? 'reasoning' : 'text'
    const transport = { ...this.#outputHeaders(run, size), stream: 'true', status: 'streaming', 'stream-id': streamId }
    run.streams.push(this.#create('ai-output', transport, { kind, id: streamId }))
  }

  #append(at: number, size: number): void {
    const run = this.#pick(
      this.#runs.filter(({ streams }) => streams.length > 0),
      at,
    )
    const stream = run && this.#pick(run.streams, size)
    if (!stream) return
    const isLast = size % 3 === 0
    this.#revise(stream, 'message.append', `<${this.#clock}>`, isLast ? { status: 'complete' } : {})
    if (isLast) run.streams.splice(run.streams.indexOf(stream), 1)
  }

  #discrete(at: number, which: number): void {
    const run = this.#open(at)
    if (!run) return
    const kinds = [
      ['start', { messageId: `u${this.#count}` }],
      ['start-step', {}],
      ['finish-step', {}],
      ['source-url', { sourceId: `${this.#count}` }],
      ['data-note', which % 2 ? { id: 'n' } : {}],
      ['message-metadata', { messageMetadata: JSON.stringify({ [`k${which % 3}`]: this.#count }) }],
      ['hologram', {}],
    ] as const
    const [kind, codec] = kinds[which % kinds.length]!
    this.#create(
      'ai-output',
      // Outputs of one message can differ in their headers
      {
        ...this.#outputHeaders(run, at),
        stream: 'false',
        ...(which % 3 === 0 && { role: 'system', 'msg-regenerate': `${at}` }),
      },
      { kind, ...codec },
      `${this.#clock}`,
    )
  }

  #call(at: number, size: number): void {
    const run = this.#open(at)
    if (!run) return
    const id = this.#id('call')
    const transport = this.#outputHeaders(run, size)
    const codec = { kind: 'tool-input', toolCallId: id, toolName: 'look' }
    run.calls.push({ id, messageId: run.messages.at(-1)! })
    if (size % 2 === 0) {
      this.#create('ai-output', { ...transport, stream: 'false' }, codec, { at })
    } else {
      const stream = this.#create('ai-output', { ...transport, stream: 'true', status: 'streaming', 'stream-id': id }, codec) // prettier-ignore
      this.#revise(stream, 'message.append', `{"at":${at}}`, { status: 'complete' })
    }
    if (size % 3 === 0) this.#create('ai-output', { ...transport, stream: 'false' }, { kind: 'tool-approval-request', toolCallId: id, approvalId: `ok-${id}` }) // prettier-ignore
  }

  #callResult(at: number, which: number): void {
    const run = this.#pick(
      this.#runs.filter(({ calls }) => calls.length > 0),
      at,
    )
    const call = run && this.#pick(run.calls, which)
    if (!call) return
    const codec = { toolCallId: call.id }
    if (which % 3 === 0) {
      const transport = { ...this.#outputHeaders(run, 1), 'codec-message-id': call.messageId, stream: 'false' }
      this.#create('ai-output', transport, { ...codec, kind: 'tool-output-available' }, { output: this.#clock })
    } else {
      const isApproval = which % 3 === 1
      const transport = { 'codec-message-id': call.messageId, 'run-id': run.id, 'event-id': this.#id('e'), 'run-client-id': 'helper', parent: this.#anyMessage(at) } // prettier-ignore
      if (isApproval)
        this.#create('ai-input', transport, { ...codec, kind: 'tool-approval-response', approved: `${which % 2 === 0}` }) // prettier-ignore
      else this.#create('ai-input', transport, { ...codec, kind: 'tool-result' }, { output: this.#clock })
    }
  }

  #suspend(at: number): void {
    const run = this.#open(at)
    if (!run) return
    run.isSuspended = true
    this.#create('ai-run-suspend', run.headers)
  }

  #resume(at: number, which: number): void {
    const run = this.#pick(
      this.#runs.filter(({ isSuspended, messages }) => isSuspended && messages.length > 0),
      at,
    )
    if (!run) return
    run.isSuspended = false
    run.invocation++
    run.headers = {
      ...run.headers,
      'invocation-id': `${run.id}-i${run.invocation}`,
      'run-client-id': 'helper',
      'input-codec-message-id': run.messages[which % run.messages.length]!,
    }
    this.#create('ai-run-resume', run.headers)
  }

  #fork(at: number): void {
    const run = this.#pick(
      this.#runs.filter(({ calls }) => calls.length > 0),
      at,
    )
    if (!run) return
    if (!run.isSuspended) this.#create('ai-run-suspend', run.headers)
    run.isSuspended = true
    const call = run.calls.at(-1)!
    const seeds = run.messages.map((former) => ({ former, id: this.#mention('f') }))
    const inputId = seeds.find(({ former }) => former === call.messageId)!.id
    const messages = seeds.map(({ former, id }) => ({
      codecMessageId: id,
      message: {
        id: former,
        role: 'assistant',
        parts:
          former === call.messageId
            ? [{ type: 'tool-look', toolCallId: call.id, state: 'input-available', input: {} }]
            : [{ type: 'text', text: former }],
      },
    }))
    const transport = { role: 'assistant', 'codec-message-id': inputId, 'event-id': this.#id('e'), 'run-client-id': 'helper', parent: run.parent, supersedes: run.id } // prettier-ignore
    this.#create('ai-input', transport, { kind: 'tool-result', toolCallId: call.id }, { output: 1, forkSeed: { messages } }, at % 4 === 0 ? 3 : 0) // prettier-ignore
    if (at % 3 === 0) return
    const fork = this.#start(inputId, run.parent, {}, at)
    fork.messages.push(...seeds.map(({ id }) => id))
  }

  #end(at: number, which: number): void {
    const run = this.#pick(this.#runs, at)
    if (!run) return
    const reason = ['complete', 'cancelled', 'error'][which % 3]!
    this.#create('ai-run-end', { ...run.headers, 'run-reason': reason, ...(reason === 'error' && { 'error-code': '50001', 'error-message': run.id }) }) // prettier-ignore
  }

  #retryStep(at: number): void {
    const run = this.#pick(
      this.#runs.filter(({ steps }) => steps.length > 0),
      at,
    )
    const step = run?.steps.at(-1)
    if (!run || !step) return
    this.#create('ai-step-end', { ...run.headers, 'step-id': step.id, 'step-start-serial': step.attempt, 'step-reason': 'failed' }) // prettier-ignore
    this.#step(run, step.id)
  }

  #steer(at: number, size: number): void {
    const run = this.#open(at)
    if (!run) return
    const id = this.#mention('s')
    run.messages.push(id)
    if (size % 2 === 0) run.steers.push(id)
    this.#create(
      'ai-input',
      { role: 'user', 'codec-message-id': id, 'run-id': run.id, 'event-id': `e-${id}`, 'run-client-id': 'helper' },
      { kind: 'user-message', messageId: id, partType: 'text' },
      id,
    )
  }

  #cancel(at: number, which: number): void {
    const run = this.#pick(this.#runs, at)
    const prompt = this.#pick(this.#prompts, at)
    const target = which % 2 ? { 'run-id': run?.id } : { 'input-codec-message-id': prompt?.id }
    if (run && prompt) this.#create('ai-cancel', { ...target, 'event-id': this.#id('e') })
  }

  /** Repairs a stream by a full update, or deletes a message. */
  #change(at: number, which: number): void {
    const run = this.#pick(
      this.#runs.filter(({ streams }) => streams.length > 0),
      at,
    )
    const stream = run?.streams.at(-1)
    if (which % 2 === 0) {
      if (stream) this.#revise(stream, 'message.update', `repaired at ${this.#clock}`)
      return
    }
    const content = this.#rows.filter(({ name }) => name === 'ai-input' || name === 'ai-output')
    const row = content[at % Math.max(content.length, 1)]
    if (!row || this.#runs.some(({ streams }) => streams.includes(row))) return
    this.#revise(row, 'message.delete', undefined, {}, true)
  }
}

type What = (a: number, b: number) => void

const times = (count: number, what: What): What[] => Array.from({ length: count }, () => what)
