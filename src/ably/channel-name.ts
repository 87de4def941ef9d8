import { badRequest } from '../core/errors'

const maxLength = 200

/**
 * The channel of a session. Ably allows appends per namespace, so a name without a namespace gets one.
 * @throws SessionError 40003 for names that Ably or this library does not accept.
 */
export function channelNameOf(name: string, namespace = 'ai'): string {
  const isShort = typeof name === 'string' && name !== '' && !name.includes(':')
  const channelName = isShort ? `${namespace}:${name}` : name
  const fault = faultOfName(channelName)
  const session = typeof name === 'string' ? `session ${JSON.stringify(name)}` : 'the session'
  if (fault) throw badRequest(`open ${session}`, `its name ${fault}`)
  return channelName
}

/** Why the full name of a session cannot be used; undefined for a good name. */
export function faultOfName(name: unknown): string | undefined {
  if (typeof name !== 'string') return `must be a string, not ${JSON.stringify(name)}`
  if (name === '') return 'must not be empty'
  if (name.length > maxLength) return `has ${name.length} characters, at most ${maxLength} are allowed`
  // NOTE: separators of lines and halves of characters (unpaired surrogates) count as control characters
  if (/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u.test(name)) return 'must not contain control characters'
  if (name.includes('[')) return 'must not contain "["'
  return name.startsWith(':') ? 'must not begin with ":"' : undefined
}
