// @vitest-environment happy-dom
import { describe, expect, it } from 'vitest'
import { createBlockReader, withStopPoint } from '../../playground/src/markdown/blocks'
import { cutLines, plainLine, createLineReader } from '../../playground/src/markdown/code-lines'
import { renderItem, renderMarkdown } from '../../playground/src/markdown/render'
import { shareTail } from '../../playground/src/conversation/tail'

const flag = '<span class="stop-point" role="img" aria-label="Stop was pressed here"></span>'

/** Renders Markdown whose stop point is written as `|`. */
function render(marked: string): string {
  const stopPoint = marked.indexOf('|')
  return inlineOf(renderMarkdown(marked.replace('|', ''), stopPoint)).replaceAll(flag, '|')
}

/** The HTML inside the block, because happy-dom drops the element around it. */
const inlineOf = (html: string) => html.trim().replace(/^<(p|h\d)>|<\/(p|h\d)>$/g, '')

describe('a stop point in Markdown', () => {
  it.each([
    ['inside a word', 'Take the tr|am', 'Take the tr|<mark>am</mark>'],
    ['between words', 'Take| the tram', 'Take |<mark>the tram</mark>'],
    ['at the start', '|Take it', '|<mark>Take it</mark>'],
    ['in bold text', 'A **bo|ld** word', 'A <strong>bo|<mark>ld</mark></strong><mark> word</mark>'],
    ['inside the marks of bold text', 'A *|*bold** word', 'A <strong>b|<mark>old</mark></strong><mark> word</mark>'],
    ['behind bold text that ends with a point', 'A **word.|** So', 'A <strong>word.</strong> |<mark>So</mark>'],
    ['in the syntax of a heading', '#|# Sunday', '|<mark>Sunday</mark>'],
    ['in inline code', 'Run `np|m` now', 'Run <code>np</code>|<mark><code>m</code></mark><mark> now</mark>'],
    ['in the address of a link', '[a](https://exa|mple.com) b', '<a href="https://example.com">a</a>|<mark> b</mark>'],
    [
      'in the description of an image',
      'A ![pic|ture](data:image/png;base64,x) b',
      'A <img src="data:image/png;base64,x" alt="picture">|<mark> b</mark>',
    ],
  ])('%s', (_, marked, html) => {
    expect(render(marked)).toBe(html)
  })

  it('before the second row of a table marks that row', () => {
    const table = '| a | b |\n| - | - |\n| one | two |\n'
    expect(renderMarkdown(table, table.indexOf('- |')).replaceAll(flag, '¶')).toContain(
      '<td>¶<mark>one</mark></td>\n<td><mark>two</mark></td>',
    )
  })

  it('in an earlier block marks all text, and shows no flag', () => {
    expect(inlineOf(renderMarkdown('# Sunday', -1))).toBe('<mark>Sunday</mark>')
    expect(renderItem('- [ ] ferry', -1)).not.toContain(flag)
  })

  it('cannot be written by a model', () => {
    expect(renderMarkdown('a\uFDD0b')).not.toContain('stop-point')
  })
})

it('each block and each item behind the stop point gets its own place of it', () => {
  const text = 'One two.\n\n- three\n- four\n\nFive.'
  const blocks = withStopPoint(createBlockReader()(text), text.indexOf('four')).flat()
  expect(blocks.map(({ stopPoint }) => stopPoint)).toEqual([undefined, '- three\n- '.length, expect.any(Number)])
  expect(blocks[2]!.stopPoint).toBeLessThan(0)
})

it('code is cut at the stop point, and what follows is marked', () => {
  const lines = createLineReader(plainLine)('const a\nconst b')
  expect(cutLines(lines, 6)).toEqual([
    [
      [{ content: 'const ' }, { content: 'a', isAfterStop: true, isStopPoint: true }],
      [{ content: 'const b', isAfterStop: true }],
    ],
  ])
})

it.each([
  ['the end', 7],
  ['the beginning', 8],
])('code that was stopped at %s of a line shows where', (_, stopPoint) => {
  const lines = createLineReader(plainLine)('const a\nconst b')
  expect(cutLines(lines, stopPoint)).toEqual([
    [[{ content: 'const a' }], [{ content: 'const b', isAfterStop: true, isStopPoint: true }]],
  ])
})

it('the text after Stop is shared among pieces from the end', () => {
  const lengthOf = (text: string) => text.length
  expect(shareTail(['one', '', 'three'], lengthOf, 6)).toEqual([1, 0, 5])
  expect(shareTail(['one', 'two'], lengthOf, 0)).toEqual([])
})
