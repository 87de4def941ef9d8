export { createAITransport, sessionSync, type AITransport } from './store/ai-transport'
export { createClientSession, type CreateClientSessionOptions } from './store/create-client-session'
export type { ViewVerbs } from './store/verbs'
export type { ViewSource } from './composables/view-source'
export type { AITransportOptions } from './store/transport'
export {
  defineSessionStore,
  type DefineSessionStoreOptions,
  type SessionStoreMembers,
  type UseSessionStore,
} from './composables/define-session-store'
export {
  useClientSession,
  type UseClientSessionOptions,
  type UseClientSessionReturn,
} from './composables/use-client-session'
export { useView, type UseViewOptions, type UseViewReturn } from './composables/use-view'
export { useBranch, type UseBranchOptions, type UseBranchReturn } from './composables/use-branch'
export { useRuns, type UseRunsOptions, type UseRunsReturn } from './composables/use-runs'
export { useRun, type UseRunOptions, type UseRunReturn } from './composables/use-run'
export { useConnection, type UseConnectionReturn } from './composables/use-connection'
export {
  useComposer,
  type ComposerSendOptions,
  type Sent,
  type UseComposerOptions,
  type UseComposerReturn,
} from './composables/use-composer'
export type { ComposerStorage, Draft, QueuedPrompt } from './composables/composer-memory'
export type { QueuePause } from './composables/prompt-queue'
export type { BusyVerb, NextSend, WhenBusy } from './composables/when-busy'
export { SessionProvider } from './composables/session-provider'
export type { MessageBlock } from './composables/blocks'
export type { ToolApproval, ToolOutput, ToolOutputError } from './codec/ui-message/tool-call'
export type { ArchiveTarget } from './ably/archived-history'
export { createUIMessageCodec } from './codec/ui-message'
export { UIMessageCodec, type AppMessage, type SessionTypes } from './store/app-message'
export { SessionError } from './core/errors'
export { ErrorCode } from './core/error-codes'
export { ownerOnly, type Act, type Agents, type Policy } from './core/access'
export type { Answer, Codec, Input, WholeMessage } from './core/codec'
export type { RowReader } from './core/rows'
export type { Cancelling, RunInfo, Stopped, WakeInfo } from './core/run-info'
export type { MessageState, SteerState, ViewMessage } from './core/view-message'
export type { RunEndReason, RunError, RunStatus, RunStep } from './core/run-state'
export type { Branch } from './session/branches'
export type { CancelTarget } from './session/cancellations'
export type { ClientSession } from './session/client-session'
export type { AgentEndpoint, AgentTarget, DehydratedSession, InvocationBody, SessionStatus } from './session/context'
export { dehydrateSession } from './session/client-session'
export type { SendInput } from './session/placed-input'
export type { ActiveRun, SessionTree, Steer, SteerOutcome } from './session/runs'
export type { FlushMode } from './session/scheduling'
export type {
  AnswerOptions,
  PendingInput,
  PlacedSendOptions,
  RunResult,
  RunScope,
  SendOptions,
} from './session/submission'
export type { View } from './session/view'
export type { RunEvent } from './session/view-lists'
