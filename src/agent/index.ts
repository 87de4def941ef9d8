/**
 * The agent's side: the process that calls the model.
 *
 * @packageDocumentation
 */
export { createUIMessageCodec, UIMessageCodec } from '../codec/ui-message/writing'
export type { AgentArchive } from './archive'
export { createAgentSession } from './agent-session'
export type { AgentSession, AgentSessionOptions } from './agent-session'
export { defineAgent } from './define-agent'
export type { Agent, AgentOptions, ChunkOf, FetchContext } from './define-agent'
export type { Authorize } from './intake'
export type { CorsOptions } from './http'
export { toNodeHandler } from './node-handler'
export type { NodeHandler, NodeRequest, NodeResponse } from './node-handler'
export { tokenRoute } from './token-route'
export type { TokenRouteOptions } from './token-route'
export { Invocation } from './intake'
export type {
  AgentRun,
  AgentStep,
  ChunkSource,
  ContextRule,
  PipeResult,
  RetryOptions,
  RunFailure,
  RunHooks,
  RunOutcome,
  RunPhase,
  StepOptions,
  StepReason,
  Turn,
  WriteChunk,
} from './agent-run'
export { outcomeOf } from './respond'
export type { ModelResult } from './respond'
export { BusyError, HandledError } from './errors'
export type {
  AdmitHook,
  AdmitRequest,
  AnswerHook,
  AnswerRequest,
  CancelHook,
  CancelRequest,
  SteerHook,
  SteerRequest,
} from './hooks'
export { ownerOnly, type Act, type Agents, type Policy } from '../core/access'
export { SessionError } from '../core/errors'
export { ErrorCode } from '../core/error-codes'
export type { RunInfo } from '../core/run-info'
export type { RunEndReason, RunError, RunStatus, RunStep } from '../core/run-state'
export type { ChannelMessage } from '../core/wire'
