import { defineEventHandler, toWebRequest, type EventHandler, type H3Event } from 'h3'
import { tokenRoute, type TokenRouteOptions } from 'vue-ai-transport/agent'
import { serverOptions, useAblyOptions } from './ably'

/** Options of a token route in Nuxt. */
export interface TokenHandlerOptions extends Pick<TokenRouteOptions, 'cors' | 'onError' | 'ttl'> {
  /**
   * The client id of the user that sends a request, for example from the session cookie. Without one, the response is
   * 401.
   */
  user: (event: H3Event) => string | undefined | null | Promise<string | undefined | null>
  /** Decides whether that user may use a session, by its full channel name such as `ai:alice:trip`. */
  authorize: (event: H3Event, sessionName: string) => boolean | Promise<boolean>
}

/**
 * The route that issues Ably tokens to browsers, and to the server while it renders a page of the same user. A token is
 * for the open sessions that `authorize` allows, and no other.
 *
 * @example
 * // server/api/ably/token.ts
 * export default defineTokenHandler({
 *   user: async (event) => (await getUserSession(event)).user?.id,
 *   authorize: async (event, sessionName) => mayUse(event, sessionName),
 * })
 */
export function defineTokenHandler({ user, authorize, ...options }: TokenHandlerOptions): EventHandler {
  return defineEventHandler((event) => {
    const { agents, namespace } = serverOptions(event)
    const isAllowed = async (name: string): Promise<boolean> => {
      // NOTE: a pattern is no session, and the check of an app expects a session
      const answer: unknown = !name.includes('*') && (await authorize(event, name))
      return answer === true
    }
    const route = tokenRoute({
      ...options,
      key: useAblyOptions(event).key,
      agents,
      namespace,
      user: () => user(event),
      sessions: async (_user, { wanted }) => {
        const allowed = await Promise.all(wanted.map(isAllowed))
        return wanted.filter((_, index) => allowed[index])
      },
    })
    return route(toWebRequest(event))
  })
}
