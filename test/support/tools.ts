import type { UIMessageChunk } from 'ai'
import type { WireClient } from './agent'

/** A reply that calls tools and stops to wait for them; the call `allowed` needs approval first. */
export const asking = (...toolCallIds: string[]): UIMessageChunk[] => [
  { type: 'start', messageId: 'm1' },
  { type: 'start-step' },
  ...toolCallIds.flatMap((toolCallId): UIMessageChunk[] => [
    { type: 'tool-input-start', toolCallId, toolName: 'getLocation' },
    { type: 'tool-input-available', toolCallId, toolName: 'getLocation', input: { precise: true } },
    ...(toolCallId === 'allowed' ? [{ type: 'tool-approval-request', toolCallId, approvalId: 'a1' } as const] : []),
  ]),
  { type: 'finish-step' },
  { type: 'finish', finishReason: 'tool-calls' },
]

interface Given {
  toolCallId: string
  runId?: string
  /** Message id of the reply that contains the call. */
  reply?: string
  output?: unknown
  approved?: boolean
  forkSeed?: unknown
  headers?: Record<string, string>
}

/** Publishes the output of a tool, or an approval, as a client does. */
export async function answerTo(
  { channel }: WireClient,
  { toolCallId, runId, reply, output, approved, forkSeed, headers }: Given,
): Promise<{ inputEventId: string }> {
  const inputEventId = crypto.randomUUID()
  const { clientId } = (channel as unknown as { client: { auth: { clientId: string } } }).client.auth
  const transport = {
    role: 'user',
    'event-id': inputEventId,
    'run-client-id': clientId,
    stream: 'false',
    ...(runId && { 'run-id': runId }),
    ...(reply && { 'codec-message-id': reply, parent: reply }),
    ...headers,
  }
  const codec =
    approved === undefined
      ? { kind: 'tool-result', toolCallId }
      : { kind: 'tool-approval-response', toolCallId, approved: String(approved) }
  const data = approved === undefined ? { output, ...(forkSeed !== undefined && { forkSeed }) } : ''
  await channel.publish({ name: 'ai-input', data, extras: { ai: { transport, codec } } })
  return { inputEventId }
}

/**
 * Reserves a place on the channel for an answer. The answer arrives there later, by an update: with a lower serial than the
 * messages before it, as if it came from another site.
 */
export async function answerFromFar({ channel }: WireClient) {
  const { serials } = await channel.publish({ name: 'note', data: 'no answer yet' })
  const serial = serials[0]!
  return async ({
    toolCallId,
    output,
    runId,
    reply,
  }: Record<'toolCallId' | 'output' | 'runId' | 'reply', string>): Promise<string> => {
    const transport = { role: 'user', 'event-id': crypto.randomUUID(), 'run-id': runId, 'codec-message-id': reply }
    const extras = { ai: { transport, codec: { kind: 'tool-result', toolCallId } } }
    await channel.updateMessage({ serial, name: 'ai-input', data: { output }, extras })
    return serial
  }
}
