import { ErrorCode, SessionError } from '../core/errors'

/**
 * The channel of a session: Ably allows appends per namespace, so a name without one gets `namespace`.
 * @throws SessionError 40003 for names that Ably or this library does not accept.
 */
export function channelNameOf(name: string, namespace = 'ai'): string {
  const channelName = name.includes(':') ? name : `${namespace}:${name}`
  if (name === '' || name.startsWith(':') || name.includes('[') || channelName.length > 200) {
    throw new SessionError(
      `unable to open session "${name}"; a session name is 1 to 200 characters, without "[" and not beginning with ":"`,
      ErrorCode.BadRequest,
    )
  }
  return channelName
}
