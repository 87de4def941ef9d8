const encoder = new TextEncoder()

/** Bytes that text takes on the wire. */
export const bytesOf = (text: string): number => encoder.encode(text).length

/** The longest beginning of a text that takes at most so many bytes; never ends inside a character. */
export function headOf(text: string, maxBytes: number): string {
  // NOTE: encodeInto stops before a character that has no room, and says how much of the text it read
  const { read } = encoder.encodeInto(text, new Uint8Array(Math.max(0, maxBytes)))
  return text.slice(0, read)
}
