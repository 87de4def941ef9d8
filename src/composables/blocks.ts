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
  return start < 0 ? cut(messages) : [...cut(messages.slice(0, start)), ...cut(messages.slice(start), known)]
}

/** Cuts messages where the known blocks end, and then into blocks of 50. */
function cut<M>(messages: readonly ViewMessage<M>[], known: readonly MessageBlock<M>[] = []): MessageBlock<M>[] {
  const blocks: MessageBlock<M>[] = []
  for (let at = 0; at < messages.length;) {
    const block = known[blocks.length]
    const size = block && block !== known.at(-1) ? block.messages.length : blockSize
    const held = messages.slice(at, (at += size))
    blocks.push(block && sameItems(held, block.messages) ? block : { id: held[0]!.id, messages: held })
  }
  return blocks
}
