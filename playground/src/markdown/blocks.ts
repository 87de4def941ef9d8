import { Chunks } from './chunks'
import { splitBlocks, type ListKind } from './render'
import type { StopPoint } from './stop-point'

/** A block of an answer: Markdown, or a list with the Markdown of its items. */
export type Block = { readonly stopPoint?: StopPoint } & (
  | { readonly kind: 'text'; readonly source: string }
  | { readonly kind: 'list'; readonly list: ListKind; readonly items: readonly (readonly string[])[] }
)

/**
 * Splits a growing text into its blocks, and lists into their items. Only the last one can still change, so only that one is
 * parsed again when the text grows.
 */
export function createBlockReader() {
  let settledText = ''
  let blocks = new Chunks<Block>()
  let list: { kind: ListKind; items: Chunks<string> } | undefined

  function closeList(): void {
    if (list) blocks.push({ kind: 'list', list: list.kind, items: list.items.with() })
    list = undefined
  }

  /** @param finish - completes the last block; without a result the block is not shown yet */
  return (text: string, finish: (source: string) => string | undefined = (source) => source) => {
    if (!text.startsWith(settledText)) {
      settledText = ''
      blocks = new Chunks()
      list = undefined
    }
    const open = text.slice(settledText.length)
    const pieces = splitBlocks(open)
    const last = pieces.length - 1
    for (const [index, { source, item }] of pieces.entries()) {
      if (!item) closeList()
      // NOTE: the first piece of the open text is the item that was open before, if its list is still open
      else if (!list || (item.isFirst && index > 0)) {
        closeList()
        list = { kind: item.list, items: new Chunks() }
      }
      if (index === last) break
      if (list) list.items.push(source)
      else blocks.push({ kind: 'text', source })
    }
    if (last < 0) return blocks.with()
    settledText = text.slice(0, text.length - pieces[last]!.source.length)
    const finished = finish(pieces[last]!.source)
    if (list) return blocks.with({ kind: 'list', list: list.kind, items: list.items.with(finished ?? '') })
    return finished === undefined ? blocks.with() : blocks.with({ kind: 'text', source: finished })
  }
}
