import type { UIMessage } from 'ai'

/** The text that a component prints of a message: its last part, if that is text. */
export function lastText(message: UIMessage | undefined): string {
  const part = message?.parts.at(-1)
  return part?.type === 'text' ? part.text : ''
}
