import type { FileUIPart, UIMessage, UIMessageChunk } from 'ai'
import { UIMessageCodec } from '../../src/codec/ui-message/writing'
import type { Answer, Input, Operation } from '../../src/core/codec'
import type { ChannelMessage, Headers } from '../../src/core/wire'
import { tokensOf } from '../shared/tokens'

/** A message on a channel, in ms from now; a negative time is history. */
export interface Cue {
  at: number
  /** The serial of the message that it creates or appends to. */
  serial: string
  message: Omit<ChannelMessage, 'serial' | 'version' | 'timestamp'>
}

interface When {
  at?: number
  by?: string
}

interface PromptOptions extends When {
  /** The parent message. */
  after?: string
  /** The prompt that this prompt is a version of. */
  instead?: string
  files?: readonly FileUIPart[]
}

interface WriteOptions {
  /** The time of the first chunk, and the interval between chunks. */
  at?: number
  every?: number
  /** The message id, for a run with several messages. */
  message?: string
  /** Steers that the message answers. */
  steers?: readonly string[]
}

const agent = 'agent'
const heron = 'heron-4f2'

const extras = (transport: Headers, codec: Headers = {}) => ({ ai: { transport, codec } })

const encode = (input: Input<UIMessage>) => UIMessageCodec.encode(input).parts

const userMessage = (id: string, text: string, files: readonly FileUIPart[] = []) =>
  encode({ type: 'message', message: { id, role: 'user', parts: [...files, { type: 'text', text }] } })

/** Creates a script of the messages on one channel. */
export function createScript() {
  const cues: Cue[] = []
  let count = 0
  const add = (at: number, message: Cue['message'], serial = `s${String(count++).padStart(5, '0')}`): string => {
    cues.push({ at, serial, message: { action: 'message.create', ...message } })
    return serial
  }
  const ofRun = (id: string, more: Headers = {}): Headers => ({
    'run-id': `run-${id}`,
    'run-client-id': heron,
    'invocation-id': `invocation-${id}`,
    'input-codec-message-id': id,
    ...more,
  })
  const lifecycle = (name: string, at: number, transport: Headers) =>
    add(at, { name, clientId: agent, extras: extras(transport) })
  const input = (at: number, by: string, transport: Headers, parts: ReturnType<typeof encode>) => {
    const all = { 'event-id': `event-${count}`, stream: 'false', ...transport }
    for (const { codec, data } of parts) add(at, { name: 'ai-input', data, clientId: by, extras: extras(all, codec) })
  }

  function write(id: string, chunks: readonly UIMessageChunk[], options: WriteOptions = {}): void {
    const { at = -7000, every = 0, message = `answer-${id}`, steers } = options
    const stamp = steers && { 'steer-codec-message-ids': JSON.stringify(steers) }
    const transport = ofRun(id, { role: 'assistant', 'codec-message-id': message, parent: id, ...stamp })
    const encoder = UIMessageCodec.encoder(`m-${message}`)
    const streams = new Map<string, { serial: string; codec: Headers }>()
    const put = (operation: Operation, when: number): void => {
      const said = { name: 'ai-output', clientId: agent }
      if (operation.op === 'publish') {
        const { data, codec } = operation
        add(when, { ...said, data, extras: extras({ ...transport, stream: 'false' }, codec) })
        return
      }
      const status = operation.op === 'close' ? 'complete' : 'streaming'
      const stream = { ...transport, stream: 'true', status, 'stream-id': operation.streamId }
      if (operation.op === 'open') {
        const serial = add(when, { ...said, data: '', extras: extras(stream, operation.codec) })
        streams.set(operation.streamId, { serial, codec: operation.codec })
        return
      }
      const { serial, codec } = streams.get(operation.streamId)!
      const data = operation.data ?? ''
      add(when, { ...said, action: 'message.append', data, extras: extras(stream, codec) }, serial)
    }
    for (const [index, chunk] of [{ type: 'start' } as const, ...chunks].entries()) {
      for (const operation of encoder.encode(chunk)) put(operation, at + index * every)
    }
  }

  return {
    cues,
    /** An agent's output, as the AI SDK streams it. */
    write,
    /** A prompt. Its run and replies derive their ids from its id. */
    prompt(id: string, text: string, { at = -9000, by = heron, after, instead, files }: PromptOptions = {}) {
      const place = { ...(after && { parent: after }), ...(instead && { 'fork-of': instead }) }
      input(at, by, { role: 'user', 'codec-message-id': id, ...place }, userMessage(id, text, files))
    },
    /** A steer. */
    steer(id: string, steerId: string, text: string, { at = -2000, by = heron }: When = {}) {
      const transport = { role: 'user', 'codec-message-id': steerId, 'run-id': `run-${id}`, discrete: 'true' }
      input(at, by, transport, userMessage(steerId, text))
    },
    /** An answer to a tool call. */
    say(id: string, answer: Answer, { at = -950, by = heron }: When = {}) {
      input(at, by, { 'codec-message-id': `answer-${id}`, 'run-id': `run-${id}` }, encode(answer))
    },
    /** Starts a run; with `regenerates` it is a new version of that reply. */
    start(id: string, { at = -8000, to = id, regenerates }: { at?: number; to?: string; regenerates?: string } = {}) {
      const more = { parent: to, ...(regenerates && { 'msg-regenerate': regenerates }) }
      lifecycle('ai-run-start', at, ofRun(id, more))
    },
    suspend: (id: string, { at = -1000 }: When = {}) => lifecycle('ai-run-suspend', at, ofRun(id)),
    resume: (id: string, { at = -900 }: When = {}) =>
      lifecycle('ai-run-resume', at, ofRun(id, { 'invocation-id': `invocation-${id}-again` })),
    /** An answer: its text until now, and the later text with a token every `every` ms. */
    answer(id: string, text: string, { later = '', every = 250, at = -7500 } = {}) {
      const delta = (delta: string): UIMessageChunk => ({ type: 'text-delta', id: 't', delta })
      write(id, [{ type: 'text-start', id: 't' }, delta(text)], { at })
      const serial = cues.at(-1)!.serial
      const { message } = cues.at(-1)!
      for (const [index, token] of tokensOf(later).entries())
        add((index + 1) * every, { ...message, data: token }, serial)
    },
    cancel(id: string, { at = -1000, by = heron }: When = {}) {
      const transport = { 'event-id': `cancel-${id}`, 'input-codec-message-id': id, 'run-id': `run-${id}` }
      add(at, { name: 'ai-cancel', clientId: by, extras: extras(transport) })
    },
    /** The agent refuses the last cancel. */
    refuse(id: string, { at = -600 }: When = {}) {
      const { serial } = cues.findLast(({ message }) => message.name === 'ai-cancel')!
      lifecycle('x-ai-cancel-refused', at, ofRun(id, { 'cancel-serial': serial }))
    },
    end(id: string, reason: 'complete' | 'cancelled' | 'error', { at = -500, error = '' } = {}) {
      const failure: Headers = error ? { 'error-code': '104008', 'error-message': error } : {}
      lifecycle('ai-run-end', at, ofRun(id, { 'run-reason': reason, ...failure }))
    },
  }
}

export type Script = ReturnType<typeof createScript>
