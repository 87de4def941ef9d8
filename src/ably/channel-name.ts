import { ErrorCode, unableTo } from '../core/errors'

/**
 * The channel of a session. Ably allows appends per namespace, so a name without a namespace gets one.
 * @throws SessionError 40003 for names that Ably or this library does not accept.
 */
export function channelNameOf(name: string, namespace = 'ai'): string {
  if (typeof name !== 'string') {
    throw unableTo('open the session', `its name must be a string, not ${JSON.stringify(name)}`, ErrorCode.BadRequest)
  }
  const channelName = name.includes(':') ? name : `${namespace}:${name}`
  if (name === '' || name.startsWith(':') || name.includes('[') || channelName.length > 200) {
    const rule = 'a session name is 1 to 200 characters, without "[" and not beginning with ":"'
    throw unableTo(`open session "${name}"`, rule, ErrorCode.BadRequest)
  }
  return channelName
}
