import type { UIMessage } from 'ai'

/** What a component prints of a message: here its last part, if that is text. */
export function lastText(message: UIMessage | undefined): string {
  const part = message?.parts.at(-1)
  return part?.type === 'text' ? part.text : ''
}
