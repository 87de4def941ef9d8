const opening = /^ {0,3}(`{3,}|~{3,})([^\n`]*)(?:\n|$)/

/** Whether a block is fenced code. */
export const isCode = (source: string): boolean => opening.test(source)

/** Splits fenced code into its language and its lines. The closing fence can still be missing. */
export function readCode(source: string): { readonly language: string; readonly code: string } {
  const [start = '', fence = '', info = ''] = opening.exec(source) ?? []
  const body = source.slice(start.length)
  const closing = body.trimEnd().lastIndexOf('\n') + 1
  const isClosed = body.slice(closing).trim().startsWith(fence)
  return { language: info.trim().split(/\s/)[0] ?? '', code: isClosed ? body.slice(0, closing) : body }
}
