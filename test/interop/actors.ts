import type { UIMessage, UIMessageChunk } from 'ai'
import type { RunEndReason, RunStep } from '../../src'

/** Names a prompt for the agent. */
export interface Call {
  inputEventId: string
  sessionName: string
}

/** A session as one client shows it, as plain data in terms that fit both libraries. */
export interface Shown {
  messages: { id: string; message: UIMessage }[]
  runs: {
    runId: string
    clientId: string
    invocationId: string
    status: string
    steps: readonly RunStep[]
    error?: { code: number; message: string; statusCode: number }
  }[]
}

/** The result of a client tool. */
export type ToolResult = { toolCallId: string; output: unknown } | { toolCallId: string; errorText: string }

/** An answer to a reply that waits for the user. */
export type Said = ToolResult | { toolCallId: string; approved: boolean; reason?: string }

/** A session opened by a client, ours or the peer's. */
export interface User {
  send(prompt: string | UIMessage): Promise<Sent>
  edit(messageId: string, text: string): Promise<Sent>
  regenerate(messageId: string): Promise<Sent>
  cancel(runId: string): Promise<void>
  /** Sends an answer into a reply that waits, so that its run is resumed. */
  answer(messageId: string, said: Said[]): Promise<Sent>
  /** Sends the answer in a copy of the reply, with which a new run replaces the suspended one. */
  fork(messageId: string, said: ToolResult): Promise<Sent>
  /** Loads this many older messages. */
  load(count: number): Promise<unknown>
  hasOlder(): boolean
  shown(): Shown
  /** Waits until it has received all messages published before. */
  hear(): Promise<unknown>
  /** The selected version of a message, and the number of versions. */
  branch(messageId: string): { index: number; count: number }
  select(messageId: string, index: number): void
}

/** A client of each library on one session. */
export interface Clients {
  readonly ours: User
  readonly peers: User
}

/** The handle of a sent prompt or answer. */
export interface Sent {
  readonly inputId: string
  readonly runId: string
  readonly call: Call
  readonly started: Promise<void>
  readonly status: string
  cancel(): Promise<void>
  steer(text: string): {
    published: Promise<unknown>
    outcome: Promise<{ consumed: boolean; runTerminalReason?: RunEndReason }>
  }
}

/** An agent on one session, ours or the peer's. */
export interface Agent {
  /**
   * Attaches before any message is published; otherwise the agent attaches with its first call, and reads
   * history.
   */
  attach(): Promise<void>
  /** Accepts an invocation and starts its run. */
  answer(call: Call): Promise<Answering>
}

/** A run from its agent's side. */
export interface Answering {
  readonly runId: string
  readonly signal: AbortSignal
  /** The conversation as the model gets it. */
  prompt(): UIMessage[]
  /** Whether a steer requires further output. */
  hasInput(): boolean
  pipe(stream: AsyncIterable<UIMessageChunk>): Promise<{ reason: RunEndReason | 'suspend' }>
  /** One attempt of a step; a failed one is retried under the same id. */
  attempt(stepId: string, stream: AsyncIterable<UIMessageChunk>, reason: 'complete' | 'failed'): Promise<void>
  suspend(): Promise<void>
  end(reason: RunEndReason, error?: { code: number; message: string }): Promise<void>
}
