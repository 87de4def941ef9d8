import type { MarkdownIt, Token } from 'markdown-it'

/** Stands for the stop point while Markdown is parsed: a noncharacter of Unicode, which no text needs. */
const mark = '\uFDD0'

/** A place in a text, as a number of UTF-16 units. Text behind it was written after Stop; a place below 0 lies in an earlier block. */
export type StopPoint = number

/** The places of a stop point in sources that follow one another. */
export function placesIn(sources: readonly string[], stopPoint: StopPoint | undefined): (StopPoint | undefined)[] {
  let place = stopPoint
  return sources.map((source) => {
    const here = place !== undefined && place < source.length ? place : undefined
    if (place !== undefined) place -= source.length
    return here
  })
}

export const lengthOfAll = (sources: readonly string[]): number => sources.reduce((sum, { length }) => sum + length, 0)

/** The source of a block with a mark for its stop point. */
export function markStopPoint(source: string, stopPoint: StopPoint | undefined): string {
  const place = stopPoint === undefined || stopPoint < 0 ? -1 : placeOfMark(source, stopPoint)
  return place < 0 ? source : source.slice(0, place) + mark + source.slice(place)
}

/** The next place in a word, where a mark changes no Markdown syntax; -1 if there is none. */
function placeOfMark(source: string, stopPoint: StopPoint): number {
  const start = source.lastIndexOf('\n', stopPoint - 1) + 1
  const syntax = /^(?:[\s>|:+*#=-]|\d+[.)]\s|\[[ xX]\] )*/.exec(source.slice(start))![0].length
  wordPlace.lastIndex = Math.max(stopPoint, start + syntax)
  return wordPlace.exec(source)?.index ?? -1
}

const wordPlace = /(?<=^|[\s\p{L}\p{N}])(?=[\p{L}\p{N}])/gu

/** Makes a Markdown renderer show the stop point, and mark the text behind it. */
export function stopPointPlugin(markdown: MarkdownIt): void {
  markdown.core.ruler.push('stop_point', (state) => {
    const { Token: New } = state
    const { stopPoint } = state.env as { stopPoint?: StopPoint }
    if (stopPoint === undefined) return
    const flag = () => new New('stop_point', '', 0)
    const marked = (token: Token): Token[] =>
      token.content !== '' && isText(token)
        ? [new New('mark_open', 'mark', 1), token, new New('mark_close', 'mark', -1)]
        : [token]
    const withContent = (token: Token, content: string): Token =>
      Object.assign(new New(token.type, token.tag, 0), token, { content })

    function cut(all: readonly Token[]): Token[] {
      const place = all.findIndex((token) => (isText(token) ? token.content.includes(mark) : takeMark(token)))
      const token = all[place]
      if (!token) return [...all]
      if (!isText(token)) {
        const isEnd = ({ type }: Token, index: number) => index > place && type === 'link_close'
        const end = (token.type === 'link_open' ? all.findIndex(isEnd) : place) + 1
        return [...all.slice(0, end), flag(), ...all.slice(end).flatMap(marked)]
      }
      const [before = '', after = ''] = token.content.split(mark)
      const rest = [withContent(token, after), ...all.slice(place + 1)].flatMap(marked)
      return [...all.slice(0, place), withContent(token, before), flag(), ...rest]
    }

    let isAfter = stopPoint < 0
    state.tokens = state.tokens.flatMap((token) => {
      const { children, content } = token
      if (token.type !== 'inline' || !children) {
        if (!takeMark(token)) return [token]
        isAfter = true
        return [token, flag()]
      }
      token.children = isAfter ? children.flatMap(marked) : cut(children)
      isAfter ||= content.includes(mark)
      return [token]
    })
  })
  markdown.renderer.rules.stop_point = () =>
    '<span class="stop-point" role="img" aria-label="Stop was pressed here"></span>'

  // NOTE: a mark inside an address is moved to its end, because encoding would change it
  const { normalizeLink } = markdown
  markdown.normalizeLink = (url) => normalizeLink(url.replace(mark, '')) + (url.includes(mark) ? mark : '')
}

const isText = ({ type }: Token): boolean => type === 'text' || type === 'code_inline'

/** Removes the mark from a link, an image or a formula, which it cannot split. @returns whether it was there */
function takeMark(token: Token): boolean {
  let isFound = false
  const clean = (text: string) => {
    isFound ||= text.includes(mark)
    return text.replace(mark, '')
  }
  token.content = clean(token.content)
  for (const name of ['href', 'src']) {
    const address = token.attrGet(name)
    if (address !== null) token.attrSet(name, clean(String(address)))
  }
  for (const child of token.children ?? []) child.content = clean(child.content)
  return isFound
}
