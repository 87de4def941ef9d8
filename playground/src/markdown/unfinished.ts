/** Reads a block that breaks off as if its writer had meant to stop there: marks that are open are closed. */
export function unfinished(source: string): string {
  if (source.startsWith('```')) return source
  const text = source.trimEnd().replace(/(^|\n)\s*(#{1,6}|[-+*]|\d+[.)]|>)$/, '')
  return closed(closed(closed(text, '`'), '**'), '*')
}

/** Whether this may become a table with the next line; shown as it is, its bars would jump into place. */
export const isTableToBe = (source: string): boolean => /^\|[^\n]*(\n[\s:|-]*)?$/.test(source)

const patterns = { '`': /`/g, '**': /\*\*/g, '*': /(?<![*\n])(?<!^)\*(?!\*)/g }

/** Ends a mark that has been begun; drops it if nothing follows it yet. */
function closed(text: string, mark: keyof typeof patterns): string {
  const begun = (text.match(patterns[mark])?.length ?? 0) % 2 === 1
  if (!begun) return text
  return text.endsWith(mark) ? text.slice(0, -mark.length).trimEnd() : text + mark
}
