import { Alternatives, type Choices } from '../core/branch'
import { RunNode } from '../core/run-node'
import type { TreeNode } from '../core/node'
import type { ViewMessage } from '../core/view-message'
import type { Tree } from '../core/tree'

/** The alternatives at one place of the conversation, one message each. */
export interface Branch<M> {
  /** Oldest first. */
  readonly siblings: readonly ViewMessage<M>[]
  /** Which of them the view shows. */
  readonly index: number
  readonly selected: ViewMessage<M> | undefined
  readonly hasSiblings: boolean
  /** Shows the sibling at this index. */
  select(index: number): void
}

/** What one view picked where there are alternatives. */
export class Branches<M extends object> implements Choices {
  readonly picked = new Map<string, number>()
  /** How often something was picked. */
  picks = 0

  constructor(private readonly tree: Tree<M>) {}

  pick(key: string): void {
    this.picked.set(key, ++this.picks)
  }

  /** The alternatives that a message's node belongs to; a message that is not first of its run has none. */
  of(messageId: string, choose: (key: string) => void): Branch<M> {
    const node = this.tree.nodeOf(messageId)
    if (!node) return { siblings: [], index: -1, selected: undefined, hasSiblings: false, select() {} }
    const isHead = !(node instanceof RunNode) || headOf(node) === messageId
    const members = (isHead ? new Alternatives(this.tree).of(node) : [node]).filter(
      (member) => headOf(member) !== undefined,
    )
    const siblings = members.map((member) => member.viewMessage(member === node ? messageId : headOf(member)!))
    const index = members.indexOf(this.#selected(members))
    return {
      siblings,
      index,
      selected: siblings[index],
      hasSiblings: siblings.length > 1,
      select: (wanted) => {
        const member = members[wanted]
        if (member) choose(member.key)
      },
    }
  }

  #selected(members: readonly TreeNode<M>[]): TreeNode<M> {
    const when = (node: TreeNode<M>): number => this.picked.get(node.key) ?? 0
    return members.reduce((best, member) => (when(member) >= when(best) ? member : best))
  }
}

const headOf = (node: TreeNode<object>): string | undefined => node.messageIds().next().value
