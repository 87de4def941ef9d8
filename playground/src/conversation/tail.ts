/**
 * Shares the text that was written after Stop among the pieces of an answer, from its end.
 *
 * @param lengthOf - the length of a piece's text
 * @param tail - the length of the text, in UTF-16 units
 * @returns the share of each piece; empty if there is no such text
 */
export function shareTail<T>(pieces: readonly T[], lengthOf: (piece: T) => number, tail: number): readonly number[] {
  if (tail === 0) return []
  const shares: number[] = []
  let left = tail
  for (const piece of pieces.toReversed()) {
    const share = Math.min(left, lengthOf(piece))
    left -= share
    shares.unshift(share)
  }
  return shares
}
