import MarkdownIt, { type Token } from 'markdown-it'
import { mathPlugin } from './math'
import { isLiveLink, isSafeImage, sanitise } from './sanitise'
import { markStopPoint, stopPointPlugin, type StopPoint } from './stop-point'

const markdown = new MarkdownIt({ html: false, linkify: true, typographer: false })
const { escapeHtml } = markdown.utils

markdown.validateLink = (url) => isLiveLink(url.trim()) || isSafeImage(url.trim())

// NOTE: a table or a code block may be wider than a phone, so it scrolls inside and is focusable
markdown.renderer.rules.table_open = () =>
  '<div class="scroller" tabindex="0" role="group" aria-label="Table"><table>\n'
markdown.renderer.rules.table_close = () => '</table></div>\n'
const fence = markdown.renderer.rules.fence!
markdown.renderer.rules.fence = (...args) =>
  fence(...args).replace('<pre>', '<pre tabindex="0" role="group" aria-label="Code">')

// NOTE: markdown-it aligns cells with inline styles, which the sanitiser removes
const openCell = (tag: string) => (tokens: Token[], index: number) => {
  const alignment = /text-align:(center|right)/.exec(String(tokens[index]!.attrGet('style')))?.[1]
  return alignment ? `<${tag} class="${alignment}">` : `<${tag}>`
}
markdown.renderer.rules.th_open = openCell('th')
markdown.renderer.rules.td_open = openCell('td')

// NOTE: loading an image from another host tells that host about the reader, so it takes a click
markdown.renderer.rules.image = (tokens, index, options, env, renderer) => {
  const token = tokens[index]!
  const url = String(token.attrGet('src') ?? '')
  const alt = renderer.renderInlineAsText(token.children ?? [], options, env)
  if (isSafeImage(url)) return `<img src="${escapeHtml(url)}" alt="${escapeHtml(alt)}">`
  const host = URL.canParse(url) ? new URL(url).hostname : url
  const label = [alt || 'Image', ...(host ? [`(${host})`] : [])].join(' ')
  return `<a class="remote" href="${escapeHtml(url)}">${escapeHtml(label)}</a>`
}

const task = /^\[([ xX])\] /

markdown.core.ruler.after('inline', 'tasks', ({ tokens, Token }) => {
  for (const [index, token] of tokens.entries()) {
    const text = token.children?.[0]
    const found = tokens[index - 2]?.type === 'list_item_open' && text?.type === 'text' && task.exec(text.content)
    if (!found) continue
    text.content = text.content.slice(found[0].length)
    tokens[index - 2]!.attrJoin('class', 'to-do')
    const box = new Token('task', 'span', 0)
    box.meta = { isDone: found[1] !== ' ' }
    token.children!.unshift(box)
  }
})
markdown.renderer.rules.task = (tokens, index) => {
  const isDone = tokens[index]!.meta?.isDone
  return `<span class="task${isDone ? ' done' : ''}" role="img" aria-label="${isDone ? 'Done' : 'Not done'}"></span> `
}

markdown.use(mathPlugin).use(stopPointPlugin)

/** Renders one block as safe HTML. */
export const renderMarkdown = (source: string, stopPoint?: StopPoint): string =>
  sanitise(markdown.render(markStopPoint(source, stopPoint), { stopPoint }))

/** Renders the content of one list item as safe HTML. */
export function renderItem(source: string, stopPoint?: StopPoint): string {
  const tokens = markdown.parse(markStopPoint(source, stopPoint), { stopPoint })
  const content = tokens[1]?.type === 'list_item_open' ? tokens.slice(2, -2) : tokens
  // NOTE: the line break separates items in copied text; at the end it would part the text from the caret
  return sanitise(`\n${markdown.renderer.render(content, markdown.options, {})}`)
}

/** Renders the content of a table's first lines as safe HTML. */
export const renderTableHead = (head: string): string => /<thead>([^]*)<\/thead>/.exec(renderMarkdown(head))?.[1] ?? ''

/** Renders the cells of one row of a table as safe HTML. */
export const renderRow = (head: string, row: string): string =>
  /<tbody>\s*<tr>([^]*)<\/tr>/.exec(renderMarkdown(head + row))?.[1] ?? ''

export interface ListKind {
  readonly tag: 'ul' | 'ol'
  readonly start: number
}

/** A piece of a text: a top-level block, an item of a top-level list, or the head or a row of a top-level table. */
export interface Piece {
  readonly source: string
  readonly item?: { readonly list: ListKind; readonly isFirst: boolean }
  readonly table?: 'head' | 'row'
}

/** Splits a text into its top-level blocks, lists into their items, and tables into their head and their rows. */
export function splitBlocks(source: string): readonly Piece[] {
  const starts = startsOf(source)
  const positions = positionsOf(
    source,
    starts.map(({ line }) => line),
  )
  // NOTE: white space before the first block belongs to it
  return starts.map(({ line: _, ...kind }, index) => ({
    source: source.slice(index === 0 ? 0 : positions[index], positions[index + 1]),
    ...kind,
  }))
}

type Start = Omit<Piece, 'source'> & { readonly line: number }

function startsOf(source: string): Start[] {
  const starts: Start[] = []
  let list: ListKind | undefined
  let isFirst = false
  let isInTable = false
  for (const token of markdown.parse(source, {})) {
    const { level, nesting, map, type } = token
    if (nesting < 0 || !map) continue
    if (level === 0) isInTable = type === 'table_open'
    if (level === 0 && (type === 'bullet_list_open' || type === 'ordered_list_open')) {
      list = { tag: token.tag as ListKind['tag'], start: Number(token.attrGet('start') ?? 1) }
      isFirst = true
    } else if (level === 0) starts.push({ line: map[0], ...(isInTable && { table: 'head' as const }) })
    else if (isInTable && level === 2 && type === 'tr_open') {
      // NOTE: the row of the head belongs to the piece of the table
      if (map[0] > starts.at(-1)!.line) starts.push({ line: map[0], table: 'row' })
    } else if (level === 1 && type === 'list_item_open' && list) {
      starts.push({ line: map[0], item: { list, isFirst } })
      isFirst = false
    }
  }
  return starts
}

function positionsOf(text: string, lines: readonly number[]): number[] {
  let line = 0
  let position = 0
  return lines.map((wanted) => {
    for (; line < wanted; line++) position = text.indexOf('\n', position) + 1
    return position
  })
}
