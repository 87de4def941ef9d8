import { defineEventHandler, toWebRequest, type EventHandler, type H3Event } from 'h3'
import { archiveRoute, type ArchiveRouteOptions } from 'vue-ai-transport/archive'

/** Options of an archive route in Nuxt. */
export interface ArchiveHandlerOptions extends Omit<ArchiveRouteOptions, 'authorize'> {
  /** Decides whether the user of a request may read a session, by its full channel name such as `ai:alice:trip`. */
  authorize: (event: H3Event, sessionName: string) => boolean | Promise<boolean>
}

/**
 * The route from which browsers, and the server while it renders, read messages that Ably keeps no longer. Name its URL
 * in `aiTransport.archive`.
 *
 * @example
 * // server/api/archive.get.ts
 * export default defineArchiveHandler({ archive, authorize: async (event, sessionName) => mayUse(event, sessionName) })
 */
export function defineArchiveHandler({ authorize, ...options }: ArchiveHandlerOptions): EventHandler {
  return defineEventHandler((event) => {
    const route = archiveRoute({ ...options, authorize: (_, { sessionName }) => authorize(event, sessionName) })
    return route(toWebRequest(event))
  })
}
