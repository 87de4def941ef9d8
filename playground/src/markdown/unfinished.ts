/** Reads the last block of a growing text as if its writer had stopped here: no bare marks, no half a table. */
export function unfinished(source: string): string {
  if (source.startsWith('```')) return source
  if (/^\|[^\n]*(\n[\s:|-]*)?$/.test(source)) return ''
  const open = closed(source.trimEnd().replace(/(^|\s)(#{1,6}|[-+*]|\d+[.)]|>)$/, ''), '`')
  return closed(closed(open, '**'), '*')
}

const patterns = { '`': /`/g, '**': /\*\*/g, '*': /(?<![*\n])(?<!^)\*(?!\*)/g }

/** Ends a mark that has been begun; drops it if nothing follows it yet. */
function closed(text: string, mark: keyof typeof patterns): string {
  const begun = (text.match(patterns[mark])?.length ?? 0) % 2 === 1
  if (!begun) return text
  return text.endsWith(mark) ? text.slice(0, -mark.length).trimEnd() : text + mark
}
