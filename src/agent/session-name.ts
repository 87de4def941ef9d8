import { ErrorCode, SessionError } from '../core/errors'

const maxLength = 200

/** Refuses what cannot be the full name of a session's channel; anybody who can reach the agent may send one. */
export function checkSessionName(name: unknown): asserts name is string {
  const fault = faultOf(name)
  if (fault) throw new SessionError(`unable to use the session name; ${fault}`, ErrorCode.BadRequest)
}

function faultOf(name: unknown): string | undefined {
  if (typeof name !== 'string' || name === '') return 'it must be a string that is not empty'
  if (name.length > maxLength) return `it has ${name.length} characters, at most ${maxLength} are allowed`
  if (name.includes('[')) return 'it must not contain "["'
  if (name.startsWith(':')) return 'it must not begin with ":"'
  if (!name.includes(':')) return `it must carry its namespace, as in "ai:${name}"`
  return undefined
}
