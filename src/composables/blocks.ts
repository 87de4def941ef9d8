import { sameItems } from '../core/collections'
import type { ViewMessage } from '../core/view-message'

/** A stretch of messages that is laid out on its own. */
export interface MessageBlock<M> {
  /** Stays the same while messages are added behind or before it. */
  readonly id: string
  readonly messages: readonly ViewMessage<M>[]
}

const blockSize = 50

/**
 * Groups messages into blocks of about 50, reusing the blocks that are still true: new messages fill the last block,
 * older ones come in blocks of their own before the first.
 */
export function groupIntoBlocks<M>(
  messages: readonly ViewMessage<M>[],
  known: readonly MessageBlock<M>[],
): readonly MessageBlock<M>[] {
  const start = known[0] ? messages.indexOf(known[0].messages[0]!) : -1
  if (start < 0) return cut(messages)
  const blocks: MessageBlock<M>[] = start > 0 ? [...cut(messages.slice(0, start))] : []
  let position = start
  for (const [index, block] of known.entries()) {
    const isLast = index === known.length - 1
    const size = isLast
      ? Math.max(block.messages.length, Math.min(blockSize, messages.length - position))
      : block.messages.length
    const held = messages.slice(position, position + size)
    if (held.length === 0) break
    blocks.push(sameItems(held, block.messages) ? block : { id: blockId(held, block), messages: held })
    position += held.length
  }
  return [...blocks, ...cut(messages.slice(position))]
}

function cut<M>(messages: readonly ViewMessage<M>[]): readonly MessageBlock<M>[] {
  return Array.from({ length: Math.ceil(messages.length / blockSize) }, (_, index) => {
    const held = messages.slice(index * blockSize, (index + 1) * blockSize)
    return { id: held[0]!.id, messages: held }
  })
}

const blockId = <M>(held: readonly ViewMessage<M>[], block: MessageBlock<M>): string =>
  held[0] === block.messages[0] ? block.id : held[0]!.id
