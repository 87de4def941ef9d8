/** Minutes and seconds: `0:07`. */
export function clock(ms: number): string {
  const seconds = Math.floor(ms / 1000)
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
}

/** `1 token`, `2 tokens`. */
export const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`

/** The display name of a client: `heron-4f2` is "Heron 4f2", `phone-4f2` is "Phone". */
export function nameOf(clientId: string, me: string): string {
  if (clientId === me) return 'you'
  if (!clientId) return 'another client'
  const words = clientId.replace(/^(laptop|phone)-.*/, '$1').replaceAll('-', ' ')
  return words.charAt(0).toUpperCase() + words.slice(1)
}

export const sentence = (words: string): string => words.charAt(0).toUpperCase() + words.slice(1)

/** The reason in an error message, without the leading "unable to ...". */
export function reasonIn(message = ''): string {
  const reason = message
    .replace(/^(unable to [^;]*; )+/, '')
    .replace(/^the agent at \S+ answered (\d+): (.*)$/s, '$2 ($1)')
    .trim()
  return `${sentence(reason || 'no reason given')}${/[.!?)]$/.test(reason) ? '' : '.'}`
}
