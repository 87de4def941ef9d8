import { packRows, tuplesOf } from '../core/rows'
import type { ClientSession } from './client-session'
import type { DehydratedSession } from './context'

/**
 * Everything that is loaded of a session, as one JSON-safe value: for the first HTML of a page, a cached page, or storage.
 * Given as the option `rows`, it shows what this session's view shows, at once, with branches, runs and states; the new
 * session then catches up from there.
 * Prompts that the channel has not accepted yet are not part of it.
 *
 * @example
 * const rows = dehydrateSession(session)
 * const same = createClientSession({ client, sessionName: 'trip', codec: UIMessageCodec, rows })
 */
export function dehydrateSession<M extends object>(session: ClientSession<M>): DehydratedSession {
  const { tree, history, channel } = session.internals
  const rows = packRows(tuplesOf(tree.log.rows()), history.resumePoint)
  return { ...rows, session: channel.name, hasOlder: history.hasOlder, shown: session.view.getMessages().length }
}
