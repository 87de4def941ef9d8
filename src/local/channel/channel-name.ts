import { ProtocolError } from '../wire/error'

/** A parsed channel name. */
export interface ChannelName {
  /** The channel itself. */
  name: string
  /** Parameters from a `[?key=value]` qualifier in front of the name. */
  params: ReadonlyMap<string, string>
}

const MAX_LENGTH = 2_048

/**
 * Reads a channel name as the client wrote it.
 * @throws ProtocolError 40010 if it is empty, too long, starts with `:` or has an unknown qualifier
 */
export function readChannelName(written: string | undefined): ChannelName {
  const [, query, rest] = /^\[\?([^\]]*)\](.*)$/s.exec(written ?? '') ?? []
  const name = rest ?? written ?? ''
  if (!name || name.length > MAX_LENGTH || /^[:[]/.test(name)) {
    throw new ProtocolError(40_010, 400, `invalid channel name "${name.slice(0, 80)}"`)
  }
  return { name, params: new Map(new URLSearchParams(query ?? '')) }
}

/** The namespace of a channel: the part of its name before the first `:`, or the whole name. */
export const namespaceOf = (name: string) => name.split(':', 1)[0] ?? name
