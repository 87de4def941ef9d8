import type { Codec, Input } from '../core/codec'
import { newId } from '../core/id'
import type { Row } from '../core/log'
import { Header, headers, MessageName, type OutgoingMessage } from '../core/wire'

/** Where an input goes in the conversation. */
export interface Place {
  /** The message it is about. @default a new one */
  readonly messageId?: string
  /** @default the codec's, else `user` */
  readonly role?: string
  /** The message it follows. */
  readonly parent?: string
  /** The prompt it is another version of. */
  readonly forkOf?: string
  /** The reply that another one is wanted for. */
  readonly regenerates?: string
  /** The run it goes into. */
  readonly runId?: string
  /** The run whose place is taken by the one it leads to. */
  readonly supersedes?: string
}

/** An input on its way to the channel. */
export interface Outgoing {
  readonly inputId: string
  readonly eventId: string
  /** The run it goes into; undefined when it is to start one. */
  readonly runId?: string
  readonly place: Place
  readonly messages: readonly OutgoingMessage[]
}

/** Writes an input down as channel messages. */
export function outgoing<M extends object>(
  codec: Codec<M>,
  input: Input<M>,
  place: Place,
  clientId: string | undefined,
): Outgoing {
  const { role, parts } = codec.encode(input)
  const { messageId: inputId = newId(), runId } = place
  const eventId = newId()
  const transport = headers({
    [Header.role]: place.role ?? role ?? 'user',
    [Header.messageId]: inputId,
    [Header.runId]: runId,
    [Header.owner]: clientId,
    [Header.eventId]: eventId,
    [Header.parent]: place.parent,
    [Header.forkOf]: place.forkOf,
    [Header.regenerates]: place.regenerates,
    [Header.supersedes]: place.supersedes,
    [Header.streamed]: 'false',
    [Header.discrete]: input.type === 'message' ? 'true' : undefined,
  })
  const messages = parts.map(({ codec, data }, index) => ({
    // NOTE: Ably discards a repeated id, so publishing again after an unclear failure cannot double the input
    id: `${eventId}:${index}`,
    name: MessageName.input,
    data,
    extras: { ai: { transport, codec } },
  }))
  return { inputId, eventId, runId, place, messages }
}

/** The same prompt behind another message, or as another version of another prompt. */
export function moved<O extends Outgoing>(out: O, to: Pick<Place, 'parent' | 'forkOf'>): O {
  const place = { ...out.place, ...to }
  const messages = out.messages.map((message) => {
    const { transport, codec } = message.extras.ai
    const moved = headers({ ...transport, [Header.parent]: place.parent, [Header.forkOf]: place.forkOf })
    return { ...message, extras: { ai: { transport: moved, codec } } }
  })
  return { ...out, place, messages }
}

/** A prompt's rows as the echo will bring them, without serials yet. */
export const localRows = (messages: Outgoing['messages'], clientId: string | undefined): Row[] =>
  messages.map(({ data, extras: { ai } }) => ({
    serial: '',
    version: '',
    name: MessageName.input,
    transport: ai.transport,
    codec: ai.codec ?? {},
    data,
    clientId,
    timestamp: Date.now(),
    partial: false,
    deleted: false,
  }))
