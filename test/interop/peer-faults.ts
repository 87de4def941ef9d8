import type { UIMessage } from 'ai'
import type { Shown } from './actors'

type Part = UIMessage['parts'][number]

/**
 * Every place where the peer's client may differ from ours, because ours is right. Each function is named
 * after the fault, and turns the right state into the peer's. The numbers are those of
 * `test/core/faults.spec.ts`.
 */
export const peerFaults = {
  // NOTE: with turns of ten messages and pages of 92, a page starts with the end of the tenth run from the end
  'fault 1: an ended run stays active': ({ messages, runs }) => ({
    messages,
    runs: runs.map((run, index) => (index === runs.length - 10 ? reopened(run) : run)),
  }),
  'fault 3: a step begins twice': (right) =>
    inParts(right, (part) => (part.type === 'step-start' ? [part, part] : [part])),
  'fault 8: an output loses the approval': (right) =>
    inParts(right, (part) => [hasOutput(part) ? without(part, 'approval') : part]),
  'fault 8: a denial loses the approval id and reason': (right) =>
    inParts(right, (part) =>
      'state' in part && part.state === 'output-denied' ? [{ ...part, approval: { id: '', approved: false } }] : [part],
    ),
  'fault 11: provider metadata is lost': (right) => inParts(right, (part) => [without(part, 'providerMetadata')]),
  'fault 11: metadata and file names of a prompt are lost': ({ messages, runs }) => ({
    messages: messages.map(({ id, message: { metadata: _, ...message } }) => ({
      id,
      message: { ...message, parts: message.parts.map((part) => without(part, 'filename')) },
    })),
    runs,
  }),
  // NOTE: here the last piece is the number of tokens
  'fault 12: metadata replaces what was known': ({ messages, runs }) => ({
    messages: messages.map(({ id, message }) => {
      const { tokens } = (message.metadata ?? {}) as { tokens?: number }
      return { id, message: tokens === undefined ? message : { ...message, metadata: { tokens } } }
    }),
    runs,
  }),
  // NOTE: this is a choice, not a fault: here only started runs are runs, and this one is in `pending()`
  'a fork that waits for its agent is listed as a run': ({ messages, runs }) => {
    const { id } = messages.at(-1)!
    return {
      messages,
      runs: [...runs, { runId: id, clientId: 'alice', invocationId: '', status: 'active', steps: [] }],
    }
  },
} satisfies Record<string, (right: Shown) => Shown>

export type PeerFault = keyof typeof peerFaults

const without = (part: Part, key: string): Part =>
  Object.fromEntries(Object.entries(part).filter(([name]) => name !== key)) as Part

const hasOutput = (part: Part): boolean => 'state' in part && part.state === 'output-available'

const reopened = (run: Shown['runs'][number]): Shown['runs'][number] => ({
  ...run,
  status: 'active',
  steps: run.steps.map((step) => ({ ...step, status: 'active' })),
})

/** Replaces each part by another value. */
const inParts = ({ messages, runs }: Shown, change: (part: Part) => Part[]): Shown => ({
  messages: messages.map(({ id, message }) => ({ id, message: { ...message, parts: message.parts.flatMap(change) } })),
  runs,
})
