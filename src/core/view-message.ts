/**
 * How a message sent into a run that was being written fares: nothing answers it yet, a part of the reply has taken it
 * up, or the run ended without that.
 */
export type SteerState = 'waiting' | 'consumed' | 'missed'

/** `pending`, `failed`, `sent` on prompts; the others on replies. */
export type MessageState = 'pending' | 'failed' | 'sent' | 'streaming' | 'complete' | 'cancelled' | 'error'

/** One message as a view shows it. The object stays the same while its text grows. */
export interface ViewMessage<M> {
  /** The message's key in the session; unlike `message.id` it is unique. */
  readonly id: string
  readonly message: M
  /** The run that wrote it; undefined on prompts. */
  readonly runId?: string
  readonly state: MessageState
  /** Only on messages that a client sent into a running reply. */
  readonly steer?: SteerState
  /** Why a prompt with state `failed` could not be sent, or a reply with state `error` ended. */
  readonly error?: { readonly code: number; readonly message: string }
}
