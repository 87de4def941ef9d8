import type { UIMessage } from 'ai'
import type { Shown } from './actors'

/**
 * Every place where the peer's client may differ from ours, because ours is right: named after what is wrong, each makes
 * the peer's picture from the right one. The numbers are those of the tests in `test/core/faults.spec.ts`.
 */
export const peerFaults = {
  'fault 8: an output loses the approval': (right) => inTools(right, ({ approval, ...part }) => part),
} satisfies Record<string, (right: Shown) => Shown>

export type PeerFault = keyof typeof peerFaults

type ToolPart = Record<string, unknown> & { state: string; approval?: object }

/** Changes every tool part that has an output or was denied. */
function inTools(shown: Shown, change: (part: ToolPart) => object): Shown {
  const messages = shown.messages.map(({ id, message }) => {
    const parts = message.parts.map((part) =>
      'toolCallId' in part && part.state.startsWith('output') ? change(part as unknown as ToolPart) : part,
    )
    return { id, message: { ...message, parts: parts as UIMessage['parts'] } }
  })
  return { ...shown, messages }
}
