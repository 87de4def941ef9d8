import type { UIMessage, UIMessageChunk } from 'ai'
import type { RunEndReason, RunStep } from '../../src'

/** Names a prompt for the agent. */
export interface Call {
  inputEventId: string
  sessionName: string
}

/** A session as one client shows it, in words that fit both libraries; plain data. */
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

/** How a tool that runs at the client came out. */
export type ToolResult = { toolCallId: string; output: unknown } | { toolCallId: string; errorText: string }

/** What somebody says into a reply that waits for them. */
export type Said = ToolResult | { toolCallId: string; approved: boolean; reason?: string }

/** A session opened by a client, ours or the peer's. */
export interface User {
  send(prompt: string | UIMessage): Promise<Sent>
  edit(messageId: string, text: string): Promise<Sent>
  regenerate(messageId: string): Promise<Sent>
  cancel(runId: string): Promise<void>
  /** Says something into a reply that waits, so that its run goes on. */
  answer(messageId: string, said: Said[]): Promise<Sent>
  /** Says it into a copy of the reply, with which a new run begins that takes the place of the one that waits. */
  fork(messageId: string, said: ToolResult): Promise<Sent>
  /** Shows so many older messages. */
  load(count: number): Promise<unknown>
  hasOlder(): boolean
  shown(): Shown
  /** Waits until it has heard all that was published before. */
  hear(): Promise<unknown>
  /** Which alternative of a message is shown, of how many. */
  branch(messageId: string): { index: number; count: number }
  select(messageId: string, index: number): void
}

/** A client of each library on one session. */
export interface Clients {
  readonly ours: User
  readonly peers: User
}

/** The handle of something sent. */
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
  /** Listens before anything was said; otherwise it starts with its first call, and reads history. */
  attach(): Promise<void>
  /** Takes a call and starts its run. */
  answer(call: Call): Promise<Answering>
}

/** A run from its agent's side. */
export interface Answering {
  readonly runId: string
  readonly signal: AbortSignal
  /** The conversation as a model would be given it. */
  prompt(): UIMessage[]
  /** Whether something is to be said, or to be said anew, because of a steer. */
  hasInput(): boolean
  pipe(stream: AsyncIterable<UIMessageChunk>): Promise<{ reason: RunEndReason | 'suspend' }>
  /** One attempt of a step: a failed one is tried again under the same id. */
  attempt(stepId: string, stream: AsyncIterable<UIMessageChunk>, reason: 'complete' | 'failed'): Promise<void>
  suspend(): Promise<void>
  end(reason: RunEndReason, error?: { code: number; message: string }): Promise<void>
}
