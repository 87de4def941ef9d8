import { readdirSync, readFileSync } from 'node:fs'
import type { UIMessage } from 'ai'
import { UIMessageCodec } from '../../src/codec'
import { BranchWalk } from '../../src/core/branch'
import type { RunInfo } from '../../src/core/run-info'
import { RunNode } from '../../src/core/run-node'
import type { Trust } from '../../src/core/access'
import { Tree } from '../../src/core/tree'
import type { ViewMessage } from '../../src/core/view-message'
import type { ChannelMessage } from '../../src/core/wire'
import { parseCorrected } from './corrections'
import type { View } from '../../src/session/view'

/** The state of a client, as the recordings contain it. */
export interface RecordedState {
  messages: { codecMessageId: string; message: UIMessage }[]
  runs: Partial<RunInfo>[]
  /** The versions of each message; only where a recording has them. */
  branches?: Record<string, RecordedBranch>
}

/** A message among its versions, in short form. */
interface RecordedSibling {
  id: string
  role: string
  text: string
  parts: string[]
}

export interface RecordedBranch {
  hasSiblings: boolean
  index: number
  siblings: RecordedSibling[]
  selected: RecordedSibling | null
}

/** A recording of a conversation on a channel. */
export interface Transcript {
  name: string
  /** As a live subscriber receives it. */
  wire: ChannelMessage[]
  /** The same channel from history, newest first. */
  history: ChannelMessage[]
  /** Of a late joiner: the history up to its attach, newest first. */
  joinHistory?: ChannelMessage[]
  /** Of a late joiner: the messages of all other clients. */
  fullWire?: ChannelMessage[]
  expected: { observer: RecordedState; history: RecordedState } & Record<string, RecordedState>
  checkpoints: (RecordedState & { afterWire: number })[]
  selections: (RecordedState & { view: 'observer' | 'history'; codecMessageId: string; index: number })[]
}

const folder = new URL('../transcripts/', import.meta.url)

/** Files that are not recordings of a conversation. */
const others = new Set(['codec-vectors'])

/** The names of all recorded conversations. */
export const transcriptNames: readonly string[] = readdirSync(folder)
  .map((file) => file.replace(/\.json$/, ''))
  .filter((name) => !others.has(name))

export const readTranscript = (name: string): Transcript =>
  parseCorrected(name, readFileSync(new URL(`${name}.json`, folder), 'utf8')) as Transcript

/** The messages without those that were delivered twice. */
export function once(messages: readonly ChannelMessage[]): ChannelMessage[] {
  const seen = new Set<string>()
  return messages.filter(({ serial, version }) => {
    const key = JSON.stringify([serial, version?.serial])
    return !seen.has(key) && seen.add(key)
  })
}

/**
 * A recorded message with the additional header of our agent: on starts and resumes, that its presence names
 * the run.
 */
export function withPresence<T extends { name?: string; extras?: unknown }>(message: T): T {
  if (message.name !== 'ai-run-start' && message.name !== 'ai-run-resume') return message
  const { ai } = message.extras as { ai: { transport: Record<string, string> } }
  return { ...message, extras: { ai: { ...ai, transport: { ...ai.transport, 'agent-presence': 'true' } } } }
}

/** Additional headers of our agent: how a cancel ended a run, and the answers that a resume or an end goes on with. */
const additions: Readonly<Record<string, readonly string[]>> = {
  'ai-run-end': ['cancel-serial', 'aborted-at', 'cancel-tail', 'answer-serials'],
  'ai-run-resume': ['answer-serials'],
}

/** A message of our agent without the additional headers of its kind. */
export function withoutAdditions<T extends { name?: string; extras?: unknown }>(message: T): T {
  const added = additions[message.name ?? '']
  if (!added) return message
  const { ai } = message.extras as { ai: { transport: Record<string, string> } }
  const kept = Object.entries(ai.transport).filter(([header]) => !added.includes(header))
  return { ...message, extras: { ai: { ...ai, transport: Object.fromEntries(kept) } } }
}

export const newTree = (trust: Trust = {}): Tree<UIMessage> => new Tree(UIMessageCodec, undefined, trust)

/** Applies messages as if they arrived live, settling after each as a view does. */
export function hear(tree: Tree<UIMessage>, messages: readonly ChannelMessage[]): void {
  for (const message of messages) {
    tree.apply(message)
    tree.settle()
  }
}

/** Applies history in pages, oldest message of each page first. */
export function readBack(tree: Tree<UIMessage>, history: readonly ChannelMessage[], pageSize: number): void {
  for (let start = 0; start < history.length; start += pageSize) {
    for (const message of history.slice(start, start + pageSize).toReversed()) tree.apply(message)
    tree.settle()
  }
}

/** A copy as JSON preserves it, which is the form of recorded states. */
const recorded = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T

/** The newest branch of a tree in the recordings' form. */
export function stateOf(tree: Tree<UIMessage>): RecordedState {
  tree.settle()
  // The state once missing text is no longer awaited
  tree.endOverdue()
  tree.settle()
  const stretches = new BranchWalk(tree, { picked: new Map() }).path
  const messages = stretches.flatMap(({ node, ids }) =>
    ids.map((id) => ({ codecMessageId: id, message: node.message(id)! })),
  )
  const runs = stretches
    .map(({ node }) => node)
    .filter((node) => node instanceof RunNode)
    .filter((run) => !run.isPlaceholder)
    .map((run) => recordedRun(run.info()))
  return recorded({ messages, runs })
}

/** The state of a view in the recordings' form, with the versions of these messages. */
export function viewState(view: View<UIMessage>, branchesOf: readonly string[] = []): RecordedState {
  const messages = view.getMessages().map(({ id, message }) => ({ codecMessageId: id, message }))
  const branches = Object.fromEntries(branchesOf.map((id) => [id, recordedBranch(view, id)]))
  return recorded({ messages, runs: view.runs().map(recordedRun), ...(branchesOf.length > 0 && { branches }) })
}

const recordedRun = ({ runId, clientId, invocationId, status, steps, error }: RunInfo) => ({
  runId,
  clientId,
  invocationId,
  status,
  steps,
  ...(error && { error }),
})

function recordedBranch(view: View<UIMessage>, id: string): RecordedBranch {
  const { hasSiblings, index, siblings, selected } = view.branch(id)
  return {
    hasSiblings,
    index: Math.max(index, 0),
    siblings: siblings.map(inShort),
    selected: selected ? inShort(selected) : null,
  }
}

const inShort = ({ message: { id, role, parts } }: ViewMessage<UIMessage>): RecordedSibling => ({
  id,
  role,
  text: parts.map((part) => (part.type === 'text' ? part.text : '')).join(''),
  parts: parts.map((part) => ('toolCallId' in part ? `${part.type}:${part.state}` : part.type)),
})
