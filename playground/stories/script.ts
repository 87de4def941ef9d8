import type { ChannelMessage } from '../../src/core/wire'
import { tokensOf } from '../shared/tokens'

/** Something that happens on a channel, so many ms from now; before now it is history. */
export interface Cue {
  at: number
  /** Stands for the message it makes, or lengthens. */
  serial: string
  message: Omit<ChannelMessage, 'serial' | 'version' | 'timestamp'>
}

const agent = 'agent'

const extras = (transport: Record<string, string>, codec: Record<string, string> = {}) => ({
  ai: { transport, codec },
})

/** Writes what happens on one channel. */
export function createScript() {
  const cues: Cue[] = []
  let count = 0
  const add = (at: number, message: Cue['message'], serial = `s${String(count++).padStart(5, '0')}`): string => {
    cues.push({ at, serial, message: { action: 'message.create', ...message } })
    return serial
  }
  const ofRun = (id: string, more: Record<string, string> = {}) => ({
    'run-id': `run-${id}`,
    'run-client-id': 'heron-4f2',
    'invocation-id': `invocation-${id}`,
    'input-codec-message-id': id,
    ...more,
  })
  const said = (id: string, codec: Record<string, string>, more: Record<string, string> = {}) =>
    extras(
      ofRun(id, { role: 'assistant', 'codec-message-id': `answer-${id}`, parent: id, stream: 'false', ...more }),
      codec,
    )

  return {
    cues,
    /** A prompt; its id names everything that comes of it. */
    prompt(id: string, text: string, { at = -9000, by = 'heron-4f2', after = '' } = {}) {
      const parent: Record<string, string> = after ? { parent: after } : {}
      const transport = { role: 'user', 'codec-message-id': id, 'event-id': `event-${id}`, stream: 'false', ...parent }
      const codec = { kind: 'user-message', messageId: id, partType: 'text' }
      add(at, { name: 'ai-input', data: text, clientId: by, extras: extras(transport, codec) })
    },
    start(id: string, { at = -8000 } = {}) {
      add(at, { name: 'ai-run-start', clientId: agent, extras: extras(ofRun(id, { parent: id })) })
    },
    /** An answer: what is written by now, and what comes later, a token every so many ms. */
    answer(id: string, text: string, { later = '', every = 250, at = -7500 } = {}) {
      add(at, {
        name: 'ai-output',
        data: '',
        clientId: agent,
        extras: said(id, { kind: 'start', messageId: `m-${id}` }),
      })
      const stream = { stream: 'true', status: 'streaming', 'stream-id': 't' }
      const written = said(id, { kind: 'text', id: 't' }, stream)
      const serial = add(at, { name: 'ai-output', data: text, clientId: agent, extras: written })
      for (const [index, token] of tokensOf(later).entries()) {
        const message = { action: 'message.append', data: token, clientId: agent, extras: written }
        add((index + 1) * every, message, serial)
      }
    },
    cancel(id: string, { at = -1000, by = 'heron-4f2' } = {}) {
      const transport = { 'event-id': `cancel-${id}`, 'input-codec-message-id': id, 'run-id': `run-${id}` }
      add(at, { name: 'ai-cancel', clientId: by, extras: extras(transport) })
    },
    end(id: string, reason: 'complete' | 'cancelled' | 'error', { at = -500, error = '' } = {}) {
      const failure: Record<string, string> = error ? { 'error-code': '104008', 'error-message': error } : {}
      const transport = ofRun(id, { 'run-reason': reason, ...failure })
      add(at, { name: 'ai-run-end', clientId: agent, extras: extras(transport) })
    },
  }
}

export type Script = ReturnType<typeof createScript>
