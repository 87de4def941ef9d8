/** Minutes and seconds: `0:07`. */
export function clock(ms: number): string {
  const seconds = Math.floor(ms / 1000)
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
}

/** `1 token`, `2 tokens`. */
export const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`

/**
 * The display name of a client: "you", "you on Phone" for another device of this user, "Heron 4f2 on Computer" for others.
 * The end of a client id is the user: `phone-4f2` and `laptop-4f2` are devices of one user.
 */
export function nameOf(clientId: string | undefined, me: string, device?: string): string {
  if (clientId === me) return 'you'
  const place = device ? ` on ${device}` : ''
  if (!clientId) return `another client${place}`
  const isMine = userOf(clientId) === userOf(me)
  return `${isMine ? 'you' : sentence(clientId.replaceAll('-', ' '))}${place}`
}

const userOf = (clientId: string): string | undefined => clientId.split('-').at(-1)

export const sentence = (words: string): string => words.charAt(0).toUpperCase() + words.slice(1)

/** The reason in an error message, without the leading "unable to ...". */
export function reasonIn(message = ''): string {
  const reason = message
    .replace(/^(unable to [^;]*; )+/, '')
    .replace(/^the agent at \S+ answered (\d+): (.*)$/s, '$2 ($1)')
    .trim()
  return `${sentence(reason || 'no reason given')}${/[.!?)]$/.test(reason) ? '' : '.'}`
}
