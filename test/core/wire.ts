import type { ChannelMessage } from '../../src/core/wire'
import { nextSerial } from '../support/serials'

let clock = 0

export { nextSerial }

/** A channel message as Ably delivers it. */
export function message(
  name: string,
  transport: Record<string, unknown>,
  codec?: Record<string, unknown>,
  data: unknown = '',
): ChannelMessage {
  const serial = nextSerial()
  return {
    name,
    data,
    serial,
    version: { serial },
    action: 'message.create',
    timestamp: ++clock,
    extras: { ai: { transport, codec } },
  }
}

export const prompt = (id: string, transport: Record<string, unknown> = {}): ChannelMessage =>
  message(
    'ai-input',
    { role: 'user', 'codec-message-id': id, ...transport },
    { kind: 'user-message', messageId: id, partType: 'text' },
    id,
  )

/** A lifecycle message or a cancel. */
export const runMessage = (
  name: string,
  runId: string | undefined,
  transport: Record<string, unknown> = {},
): ChannelMessage => message(name, { ...(runId !== undefined && { 'run-id': runId }), ...transport })

/** One output of a run's message `m`, unless `transport` says otherwise. */
export const output = (
  runId: string,
  codec: Record<string, unknown>,
  data: unknown = '',
  transport: Record<string, unknown> = {},
): ChannelMessage =>
  message('ai-output', { 'run-id': runId, 'codec-message-id': 'm', role: 'assistant', ...transport }, codec, data)

/** A later version of a message. */
export const later = (
  of: ChannelMessage,
  action: 'message.append' | 'message.update' | 'message.delete',
  change: { transport?: Record<string, unknown>; codec?: Record<string, unknown>; data?: unknown },
): ChannelMessage => {
  const { ai } = of.extras as { ai: { transport: object; codec?: object } }
  return {
    ...of,
    action,
    version: { serial: nextSerial() },
    data: change.data ?? '',
    extras: { ai: { transport: { ...ai.transport, ...change.transport }, codec: { ...ai.codec, ...change.codec } } },
  }
}
