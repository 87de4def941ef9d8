import { Chunks } from './chunks'

/** A piece of code in one colour. */
export interface CodeToken {
  readonly content: string
  readonly color?: string | undefined
}

export type CodeLine = readonly CodeToken[]

/**
 * Highlights one line.
 *
 * @param before - the state after the line before
 */
export type HighlightLine = (text: string, before: unknown) => { readonly tokens: CodeLine; readonly state?: unknown }

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
