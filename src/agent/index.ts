/**
 * The agent's side: the process that calls the model.
 *
 * @packageDocumentation
 */
export { createUIMessageCodec, UIMessageCodec } from '../codec/ui-message/writing'
export { createAgentSession } from './create-agent-session'
export type { AgentSession, AgentSessionOptions } from './agent-session'
export { defineAgent } from './define-agent'
export type { Agent, AgentOptions, FetchContext } from './define-agent'
export type { Authorize } from './authorize'
export { Invocation } from './invocation'
export type { AgentRun, RunHooks, RunOutcome } from './agent-run'
export type { StepReason } from './headers'
export type { RunFailure } from './run-failure'
export type { PipeResult, WriteChunk } from './pipe'
export type { ChunkSource } from './chunk-reader'
export type { ContextRule, Turn } from './context'
export { outcomeOf } from './outcome'
export type { ModelResult } from './outcome'
export type { AgentStep, RetryOptions, StepOptions } from './agent-step'
export type { RunPhase } from './run-phase'
export { BusyError, HandledError } from './misuse'
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
export { ownerOnly } from '../core/access'
export type { Act, Agents, Policy } from '../core/access'
export { ErrorCode, SessionError } from '../core/errors'
export type { RunInfo } from '../core/run-info'
export type { RunEndReason, RunError, RunStatus, RunStep } from '../core/run-state'
export type { ChannelMessage } from '../core/wire'
