import type { MarkdownIt } from 'markdown-it'
import { shallowRef } from 'vue'

type RenderTex = (tex: string, isDisplay: boolean) => string

/** Renders TeX as MathML; undefined until KaTeX is loaded. */
const renderTex = shallowRef<RenderTex>()
let loading: Promise<void> | undefined

/** Loads KaTeX with the first formula. Whatever has rendered a formula as text renders it again then. */
async function load(): Promise<void> {
  const { default: katex } = await import('katex')
  // NOTE: `trust` is off, so a formula has no links, classes or styles; a formula that grows without end is refused
  renderTex.value = (tex, displayMode) =>
    katex.renderToString(tex, {
      displayMode,
      output: 'mathml',
      trust: false,
      strict: 'ignore',
      maxExpand: 200,
      maxSize: 20,
    })
}

const pairs = [
  { open: '$$', close: '$$', isDisplay: true },
  { open: '\\[', close: '\\]', isDisplay: true },
  { open: '\\(', close: '\\)', isDisplay: false },
  { open: '$', close: '$', isDisplay: false },
] as const

/** The first place at which a formula in this text can close; -1 if there is none. */
function closeOf(text: string, start: number, close: string): number {
  for (let end = text.indexOf(close, start); end >= 0; end = text.indexOf(close, end + 1)) {
    if (text[end - 1] === '\\' && close.startsWith('$')) continue
    // NOTE: "$5 or $6" is a price
    if (close === '$' && (/\s/.test(text[end - 1]!) || /\d/.test(text[end + 1] ?? ''))) return -1
    return end
  }
  return -1
}

/** Makes a Markdown renderer show formulas: `$a$`, `\(a\)`, and on their own `$$a$$`, `\[a\]`. */
export function mathPlugin(markdown: MarkdownIt): void {
  markdown.inline.ruler.before('escape', 'math', (state, silent) => {
    const { src, pos, posMax } = state
    const pair = pairs.find(({ open }) => src.startsWith(open, pos))
    if (!pair) return false
    const start = pos + pair.open.length
    if (pair.open === '$' && (/[\w$]/.test(src[pos - 1] ?? '') || /\s/.test(src[start] ?? ' '))) return false
    const end = closeOf(src.slice(0, posMax), start, pair.close)
    if (end <= start) return false
    if (!silent) {
      const token = state.push('math', '', 0)
      token.content = src.slice(start, end)
      token.meta = { isDisplay: pair.isDisplay }
    }
    state.pos = end + pair.close.length
    return true
  })

  markdown.block.ruler.before(
    'fence',
    'math_block',
    (state, startLine, endLine, silent) => {
      const lineAt = (line: number) => state.src.slice(state.bMarks[line]! + state.tShift[line]!, state.eMarks[line])
      const first = lineAt(startLine).trimEnd()
      const pair = pairs.find(({ open, isDisplay }) => isDisplay && first.startsWith(open))
      if (!pair) return false
      const rest = first.slice(pair.open.length)
      const isOneLine = rest.endsWith(pair.close)
      // NOTE: a formula that closes inside the line belongs to a paragraph
      if (!isOneLine && rest.includes(pair.close)) return false
      if (silent) return true
      const lines = [isOneLine ? rest.slice(0, -pair.close.length) : rest]
      let line = startLine + 1
      for (let isOpen = !isOneLine; isOpen && line < endLine; line++) {
        const text = lineAt(line).trimEnd()
        isOpen = !text.endsWith(pair.close)
        lines.push(isOpen ? text : text.slice(0, -pair.close.length))
      }
      const token = state.push('math', '', 0)
      token.block = true
      token.content = lines.join('\n').trim()
      token.meta = { isDisplay: true }
      token.map = [startLine, line]
      state.line = line
      return true
    },
    { alt: ['paragraph', 'reference', 'blockquote', 'list'] },
  )

  markdown.renderer.rules.math = (tokens, index) => {
    const { content, meta } = tokens[index]!
    const isDisplay = (meta as { isDisplay: boolean }).isDisplay
    const kind = isDisplay ? 'math display' : 'math'
    const attributes = isDisplay ? ' tabindex="0" role="group" aria-label="Formula"' : ''
    return `<span class="${kind}"${attributes}>${htmlOf(content, isDisplay)}</span>`
  }

  function htmlOf(tex: string, isDisplay: boolean): string {
    const source = `<code>${markdown.utils.escapeHtml(tex)}</code>`
    if (!renderTex.value) {
      loading ??= load()
      return source
    }
    try {
      return renderTex.value(tex, isDisplay)
    } catch {
      return source
    }
  }
}
