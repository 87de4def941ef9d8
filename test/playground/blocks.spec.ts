// @vitest-environment happy-dom
import MarkdownIt from 'markdown-it'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { createBlockReader, type Block } from '../../playground/src/markdown/blocks'
import { isCode, readCode } from '../../playground/src/markdown/code'
import { renderRow, renderTableHead } from '../../playground/src/markdown/render'
import { unfinished } from '../../playground/src/markdown/unfinished'

afterEach(() => void vi.restoreAllMocks())

/** Reads a text token by token. Returns the blocks, and the longest text that was parsed for a token. */
function stream(text: string): { blocks: readonly Block[]; longestParse: number } {
  const parse = vi.spyOn(MarkdownIt.prototype, 'parse')
  const read = createBlockReader()
  let chunks = read('')
  for (let end = 6; end < text.length + 6; end += 6) chunks = read(text.slice(0, end), unfinished)
  const longestParse = Math.max(...parse.mock.calls.map(([source]) => source.length))
  return { blocks: chunks.flat(), longestParse }
}

const repeat = (count: number, line: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => line(index)).join('')
const head = '| sight | minutes |\n| :-- | --: |\n'

describe('a token of a long answer parses only the last piece', () => {
  const answers = {
    paragraphs: [repeat(300, (index) => `Paragraph ${index} of this answer.\n\n`), 300],
    'a list': [repeat(400, (index) => `${index + 3}. item **${index}**\n`), 1],
    'a table': [head + repeat(400, (index) => `| tower ${index} | ${index} |\n`), 1],
    'many tables': [repeat(100, (index) => `${head}| tower ${index} | ${index} |\n\n`), 100],
    'many code blocks': [repeat(100, (index) => `\`\`\`ts\nconst a = ${index}\n\`\`\`\n\n`), 100],
  } as const

  test.each(Object.entries(answers))('%s', (_, [text, count]) => {
    const { blocks, longestParse } = stream(text)
    expect(longestParse).toBeLessThan(120)
    expect(blocks).toHaveLength(count)
    const sources = blocks.flatMap((block) =>
      block.kind === 'list'
        ? block.items.flat()
        : block.kind === 'table'
          ? [block.head, ...block.rows.flat()]
          : block.source,
    )
    expect(sources.join('').replaceAll('\n', '')).toBe(text.replaceAll('\n', ''))
  })
})

describe('a table', () => {
  test('has the same cells as one that is rendered whole', () => {
    const rows = ['| **Castle** | 90 |\n', '| a \\| b | `x|y` |\n', '| only one\n', 'no pipes at all\n']
    const { blocks } = stream(`${head}${rows.join('')}\nThe end.`)
    const [table, text] = blocks
    expect(text).toMatchObject({ kind: 'text' })
    if (table?.kind !== 'table') throw new Error('the first block is not a table')
    const html = `<table><thead>${renderTableHead(table.head)}</thead><tbody>${table.rows
      .flat()
      .map((row) => `<tr>${renderRow(table.head, row)}</tr>`)
      .join('')}</tbody></table>`
    const cellsOf = (markup: string) => {
      const box = document.createElement('div')
      box.innerHTML = markup
      return [...box.querySelectorAll('th, td')].map(({ innerHTML, className }) => [innerHTML, className])
    }
    expect(cellsOf(html)).toEqual(
      cellsOf(
        new MarkdownIt({ linkify: true })
          .render(head + rows.join(''))
          .replace(/style="text-align:right"/g, 'class="right"')
          .replace(/style="text-align:left"/g, ''),
      ),
    )
  })

  test('ends at a blank line, at a list and at a heading', () => {
    for (const next of ['\nText', '- item', '# Heading', '```\ncode']) {
      const { blocks } = stream(`${head}| a | 1 |\n${next}`)
      expect(blocks.map(({ kind }) => kind)).toEqual(['table', next === '- item' ? 'list' : 'text'])
    }
  })

  test('says which row is its first, until that has ended', () => {
    const read = createBlockReader()
    const whole = (source: string, isFirstRow: boolean) => (isFirstRow ? undefined : source)
    expect(read(`${head}| a | 1`, whole).flat()).toEqual([])
    const rows = ['| a | 1 |\n', '| b']
    expect(read(`${head}${rows.join('')}`, whole).flat()).toEqual([{ kind: 'table', head, rows: [rows] }])
  })

  test('stays while its next row cannot be shown yet', () => {
    const read = createBlockReader()
    const nothing = () => undefined
    read(`${head}| a | 1 |\n`, nothing)
    const blocks = read(`${head}| a | 1 |\n| b`, nothing).flat()
    expect(blocks.map((block) => block.kind === 'table' && block.rows[0]?.[0])).toEqual(['| a | 1 |\n'])
  })

  test('follows another table', () => {
    const { blocks } = stream(`${head}| a | 1 |\n\n${head}| b | 2 |\n`)
    expect(blocks.map((block) => block.kind === 'table' && block.rows.flat().length)).toEqual([1, 1])
  })
})

test('code after blank lines is code', () => {
  expect(isCode('\n\n```ts\nconst a = 1')).toBe(true)
  expect(isCode('text\n```')).toBe(false)
})

test('a closing fence that is still growing is not a line of the code', () => {
  for (const end of ['', '`', '``', '```', '```\n']) expect(readCode(`\`\`\`ts\na\n${end}`).code).toBe('a\n')
  expect(readCode('```ts\na\n`b`').code).toBe('a\n`b`')
})
