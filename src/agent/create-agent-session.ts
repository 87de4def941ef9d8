import type { UIMessage, UIMessageChunk } from 'ai'
import { UIMessageCodec } from '../codec/ui-message/writing'
import type { ReplyCodec } from '../core/codec'
import type { AgentSession, AgentSessionOptions } from './agent-session'
import { ChannelSession } from './channel-session'
import { checkSessionName } from './session-name'

/**
 * Opens the agent's side of a session. For a whole HTTP endpoint see `defineAgent`.
 *
 * @throws SessionError 40003 when the session name cannot be one
 * @example
 * const session = createAgentSession({ client, sessionName: invocation.sessionName })
 * await session.connect()
 * const run = session.createRun(invocation)
 * await run.start()
 * await run.pipe(answer(run.context(), run.abortSignal))
 * await run.end()
 * await session.end()
 */
export function createAgentSession<M extends object = UIMessage, Chunk = UIMessageChunk>(
  options: AgentSessionOptions<M, Chunk>,
): AgentSession<M, Chunk> {
  checkSessionName(options.sessionName)
  // Without a codec nothing infers M and Chunk, so they are their defaults
  const codec = options.codec ?? (UIMessageCodec as unknown as ReplyCodec<M, Chunk>)
  return new ChannelSession({ ...options, codec })
}
