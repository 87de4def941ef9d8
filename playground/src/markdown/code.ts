const opening = /^(?:[^\S\n]*\n)* {0,3}(`{3,}|~{3,})([^\n`]*)(?:\n|$)/

/** Whether a block is fenced code. Blank lines before it belong to the block. */
export const isCode = (source: string): boolean => opening.test(source)

/** Fenced code. */
export interface Code {
  readonly language: string
  readonly code: string
  /** Where the code starts in its source. */
  readonly start: number
}

/** Splits fenced code into its language and its lines. The closing fence can still be missing. */
export function readCode(source: string): Code {
  const [start = '', fence = '', info = ''] = opening.exec(source) ?? []
  const body = source.slice(start.length)
  const closing = body.trimEnd().lastIndexOf('\n') + 1
  const end = body.slice(closing).trim()
  // NOTE: a part of a closing fence is no line of code, which would be shown and disappear
  const isClosed = end !== '' && (end.startsWith(fence) || fence.startsWith(end))
  const language = info.trim().split(/\s/)[0] ?? ''
  return { language, code: isClosed ? body.slice(0, closing) : body, start: start.length }
}
