import { Chunks } from './chunks'
import type { StopPoint } from './stop-point'

/** A piece of code in one colour. */
export interface CodeToken {
  readonly content: string
  readonly color?: string | undefined
  /** Whether it was written after Stop. */
  readonly isAfterStop?: boolean
  /** Whether Stop was pressed before it. */
  readonly isStopPoint?: boolean
}

export type CodeLine = readonly CodeToken[]

/**
 * Highlights one line.
 *
 * @param before - the state after the line before
 */
export type HighlightLine = (text: string, before: unknown) => { readonly tokens: CodeLine; readonly state?: unknown }

/** Reads a line without colours. */
export const plainLine: HighlightLine = (content) => ({ tokens: [{ content }] })

/**
 * Splits the token at the stop point, and marks all tokens behind it. A Stop at the end of a line shows before the next
 * line.
 */
export function cutLines(
  chunks: readonly (readonly CodeLine[])[],
  stopPoint: StopPoint,
): readonly (readonly CodeLine[])[] {
  let place = stopPoint
  let isBeforeStop = stopPoint >= 0
  const cut = (token: CodeToken): CodeLine => {
    const { content } = token
    const here = place
    place -= content.length
    if (here >= content.length) return [token]
    if (!isBeforeStop) return [{ ...token, isAfterStop: true }]
    isBeforeStop = false
    const at = Math.max(0, here)
    const after = { ...token, content: content.slice(at), isAfterStop: true, isStopPoint: true }
    return at === 0 ? [after] : [{ ...token, content: content.slice(0, at) }, after]
  }
  const cutLine = (line: CodeLine): CodeLine => {
    const tokens = line.flatMap(cut)
    place -= 1
    return tokens
  }
  return chunks.map((lines) => lines.map(cutLine))
}

/** Reads growing code line by line. A finished line is highlighted once, and only the last line again when it grows. */
export function createLineReader(highlight: HighlightLine) {
  let settledText = ''
  let lines = new Chunks<CodeLine>()
  let state: unknown

  return (code: string): readonly (readonly CodeLine[])[] => {
    if (!code.startsWith(settledText)) {
      settledText = ''
      lines = new Chunks()
      state = undefined
    }
    const open = code.slice(settledText.length).split('\n')
    const last = open.pop()!
    for (const line of open) {
      const read = highlight(line, state)
      state = read.state
      lines.push(read.tokens)
    }
    settledText = code.slice(0, code.length - last.length)
    return last === '' ? lines.with() : lines.with(highlight(last, state).tokens)
  }
}
