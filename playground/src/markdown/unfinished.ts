import { isCode } from './code'

/** Completes a block that ends early: it closes open marks. */
export function unfinished(source: string): string {
  if (isCode(source) || /^(\$\$|\\\[)/.test(source)) return source
  const text = source.trimEnd().replace(/(^|\n)\s*(#{1,6}|[-+*]|\d+[.)]|>)$/, '')
  return closed(closed(closed(text, '`'), '**'), '*')
}

/** Whether the block may become a table with the next line. Shown as text, it would jump into place. */
export const isTableToBe = (source: string): boolean => /^\|[^\n]*(\n[\s:|-]*)?$/.test(source)

const patterns = { '`': /`/g, '**': /\*\*/g, '*': /(?<![*\n])(?<!^)\*(?!\*)/g }

const formula = /\$[^$\n]+\$/g

/** Closes an open mark, or removes it if no text follows it yet. */
function closed(text: string, mark: keyof typeof patterns): string {
  const begun = (text.replace(formula, '').match(patterns[mark])?.length ?? 0) % 2 === 1
  if (!begun) return text
  // NOTE: half of the closing mark is there
  if (mark === '**' && /[^*]\*$/.test(text)) return `${text}*`
  return text.endsWith(mark) ? text.slice(0, -mark.length).trimEnd() : text + mark
}
