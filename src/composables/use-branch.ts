import { computed, type ComputedRef, type MaybeRefOrGetter } from 'vue'
import { reuseIfEqual } from '../core/collections'
import type { ViewMessage } from '../core/view-message'
import type { AppMessage } from '../store/app-message'
import { idOf, useViewSource, type OwnViewSource, type ViewSource } from './view-source'

export type UseBranchOptions<M extends object = AppMessage> = ViewSource<M>

type MessageIdSource = MaybeRefOrGetter<string | null | undefined>

export interface UseBranchReturn<M extends object = AppMessage> {
  /** The alternatives, oldest first, one message each. */
  siblings: ComputedRef<readonly ViewMessage<M>[]>
  /** How many there are. */
  count: ComputedRef<number>
  /** Which of them is shown; -1 for an unknown message. */
  index: ComputedRef<number>
  selected: ComputedRef<ViewMessage<M> | undefined>
  hasSiblings: ComputedRef<boolean>
  /** Shows the alternative at this index; does nothing when there is none. */
  select: (index: number) => void
  /** Shows the next older alternative, if there is one. */
  previous: () => void
  /** Shows the next newer alternative, if there is one. */
  next: () => void
}

/**
 * The alternatives of a message: edits of a prompt, other replies in place of a reply. Cheap enough for every message
 * on the page: its refs change with the alternatives, not with a token.
 *
 * @param id - The id of a `ViewMessage`; a ref or getter may change.
 *
 * @example
 * const { index, count, hasSiblings, previous, next } = useBranch(() => props.id)
 */
export function useBranch<M extends object>(id: MessageIdSource, options: OwnViewSource<M>): UseBranchReturn<M>
export function useBranch(id: MessageIdSource, options?: UseBranchOptions): UseBranchReturn
export function useBranch<M extends object>(
  messageId: MessageIdSource,
  options: ViewSource<M> = {},
): UseBranchReturn<M> {
  const { shown, actor } = useViewSource(options)
  const id = (): string => idOf(messageId)
  const branch = computed(() => shown().branch(id()))
  const index = computed(() => branch.value.index)
  const select = (wanted: number): void => actor().select(id(), wanted)
  return {
    siblings: computed<readonly ViewMessage<M>[]>((known) => reuseIfEqual(known, branch.value.siblings)),
    count: computed(() => branch.value.siblings.length),
    index,
    selected: computed(() => branch.value.selected),
    hasSiblings: computed(() => branch.value.hasSiblings),
    select,
    previous: () => select(index.value - 1),
    next: () => select(index.value + 1),
  }
}
