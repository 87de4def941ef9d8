import type { UIMessage, UIMessageChunk } from 'ai'
import { UIMessageCodec } from '../codec/ui-message/writing'
import type { ReplyCodec } from '../core/codec'
import type { AgentSession, AgentSessionOptions } from './agent-session'
import { ChannelSession } from './channel-session'
import { misuse } from './misuse'
import { checkSessionName } from './session-name'

/**
 * Opens the agent's side of a session. For a whole HTTP endpoint see `defineAgent`.
 *
 * @throws SessionError 40003 when the session name cannot be one, or the page size is out of range
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
  checkPageSize(options.historyPageSize)
  checkRate(options.maxRate)
  // Without a codec nothing infers M and Chunk, so they are their defaults
  const codec = options.codec ?? (UIMessageCodec as unknown as ReplyCodec<M, Chunk>)
  return new ChannelSession({ ...options, codec })
}

function checkPageSize(size = 1): void {
  if (Number.isInteger(size) && size >= 1 && size <= 1000) return
  throw misuse('open the session', `"historyPageSize" must be a whole number from 1 to 1000, not ${size}`)
}

function checkRate(rate = Infinity): void {
  // NOTE: not a number is what a missing environment variable comes to
  if (!(rate > 0)) throw misuse('open the session', `"maxRate" must be a number above 0, not ${rate}`)
}
