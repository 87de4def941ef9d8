import MarkdownIt from 'markdown-it'
import { isLiveImage, isLiveLink, sanitise } from './sanitise'

const markdown = new MarkdownIt({ html: false, linkify: true, typographer: false })

markdown.validateLink = (url) => isLiveLink(url.trim()) || isLiveImage(url.trim())

// NOTE: a table or a code block may be wider than a phone, so it scrolls inside and is focusable
markdown.renderer.rules.table_open = () =>
  '<div class="scroller" tabindex="0" role="group" aria-label="Table"><table>\n'
markdown.renderer.rules.table_close = () => '</table></div>\n'
const fence = markdown.renderer.rules.fence!
markdown.renderer.rules.fence = (...args) =>
  fence(...args).replace('<pre>', '<pre tabindex="0" role="group" aria-label="Code">')

/** Renders one block as safe HTML. */
export const renderMarkdown = (source: string): string => sanitise(markdown.render(source))

/** The line numbers at which the top-level blocks of a text start. */
export const blockStarts = (source: string): number[] =>
  markdown
    .parse(source, {})
    .filter(({ level, nesting, map }) => level === 0 && nesting >= 0 && map)
    .map(({ map }) => map![0])
