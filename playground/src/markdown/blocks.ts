import { Chunks } from './chunks'
import { splitBlocks, type ListKind } from './render'
import { lengthOfAll, type StopPoint } from './stop-point'

/** A block of an answer: Markdown, a list with the Markdown of its items, or a table with its head and its rows. */
export type Block = { readonly stopPoint?: StopPoint } & (
  | { readonly kind: 'text'; readonly source: string }
  | { readonly kind: 'list'; readonly list: ListKind; readonly items: readonly (readonly string[])[] }
  | { readonly kind: 'table'; readonly head: string; readonly rows: readonly (readonly string[])[] }
)

/** A list or a table that can still grow. */
interface Growing {
  readonly list?: ListKind
  /** The first lines of a table, which its rows are read with. */
  readonly head: string
  readonly parts: Chunks<string>
}

/**
 * Completes a block that ends early; without a result the block is not shown yet. The first row of a table comes with the
 * head of the table.
 */
type Finish = (source: string, isFirstRow: boolean) => string | undefined

/**
 * Splits a growing text into its blocks, lists into their items, and tables into their rows. Only the last one can still
 * change, so only that one is parsed again when the text grows.
 */
export function createBlockReader() {
  let settledText = ''
  let blocks = new Chunks<Block>()
  let growing: Growing | undefined

  function close(): void {
    if (growing) blocks.push(toBlock(growing))
    growing = undefined
  }

  return (text: string, finish: Finish = (source) => source) => {
    if (!text.startsWith(settledText)) {
      settledText = ''
      blocks = new Chunks()
      growing = undefined
    }
    const head = growing?.head ?? ''
    // NOTE: the head of an open table was read before, so it is not a piece of its own
    const pieces = splitBlocks(head + text.slice(settledText.length)).slice(head === '' ? 0 : 1)
    const last = pieces.length - 1
    for (const [index, { source, item, table }] of pieces.entries()) {
      if (table === 'head') {
        close()
        if (index < last) growing = { head: source, parts: new Chunks() }
      } else if (table === undefined && !item) close()
      // NOTE: the first piece of the open text is the item that was open before, if its list is still open
      else if (item && (!growing?.list || (item.isFirst && index > 0))) {
        close()
        growing = { list: item.list, head: '', parts: new Chunks() }
      }
      if (index === last) break
      if (table === 'head') continue
      if (growing) growing.parts.push(source)
      else blocks.push({ kind: 'text', source })
    }
    if (last < 0) return growing ? blocks.with(toBlock(growing)) : blocks.with()
    const { source } = pieces[last]!
    settledText = text.slice(0, text.length - source.length)
    const isFirstRow = growing !== undefined && !growing.list && growing.parts.with().length === 0
    const finished = finish((growing?.head ?? '') + source, isFirstRow)
    if (growing && !(isFirstRow && finished === undefined))
      return blocks.with(toBlock(growing, finished?.slice(growing.head.length) ?? ''))
    if (finished === undefined) return blocks.with()
    return blocks.with(
      pieces[last]!.table ? { kind: 'table', head: finished, rows: [] } : { kind: 'text', source: finished },
    )
  }
}

function toBlock({ list, head, parts }: Growing, ...open: readonly string[]): Block {
  return list ? { kind: 'list', list, items: parts.with(...open) } : { kind: 'table', head, rows: parts.with(...open) }
}

/** Gives each block that ends behind the stop point its own place of it. */
export function withStopPoint(
  chunks: readonly (readonly Block[])[],
  stopPoint: StopPoint,
): readonly (readonly Block[])[] {
  let start = 0
  return chunks.map((blocks) =>
    blocks.map((block) => {
      const place = stopPoint - start
      const length = lengthOf(block)
      start += length
      return place < length ? { ...block, stopPoint: place } : block
    }),
  )
}

function lengthOf(block: Block): number {
  if (block.kind === 'text') return block.source.length
  const chunks = block.kind === 'list' ? block.items : [[block.head], ...block.rows]
  return chunks.reduce((sum, chunk) => sum + lengthOfAll(chunk), 0)
}
