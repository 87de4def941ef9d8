import { blockStarts } from './render'

/**
 * Splits a growing text into its top-level blocks. Only the last block can still change, so only that block is parsed again
 * when the text grows.
 */
export function createBlockReader(): (text: string) => readonly string[] {
  let settled: string[] = []
  let settledText = ''
  return (text) => {
    if (!text.startsWith(settledText)) {
      settled = []
      settledText = ''
    }
    const open = text.slice(settledText.length)
    const [, ...later] = blockStarts(open)
    if (later.length === 0) return open ? [...settled, open] : settled
    const pieces = cutAtLines(open, later)
    const last = pieces.pop()!
    settled = [...settled, ...pieces]
    settledText += pieces.join('')
    return [...settled, last]
  }
}

function cutAtLines(text: string, lines: readonly number[]): string[] {
  const pieces: string[] = []
  let from = 0
  let line = 0
  let position = 0
  for (const wanted of lines) {
    for (; line < wanted; line++) position = text.indexOf('\n', position) + 1
    pieces.push(text.slice(from, position))
    from = position
  }
  return [...pieces, text.slice(from)]
}
