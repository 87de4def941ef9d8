import { readFileSync } from 'node:fs'
import type { UIMessage } from 'ai'
import { UIMessageCodec } from '../../src/codec'
import { walk } from '../../src/core/branch'
import { RunNode } from '../../src/core/run-node'
import { Tree } from '../../src/core/tree'
import type { ChannelMessage } from '../../src/core/wire'
import { parseCorrected } from './corrections'

/** What a client shows, as the recordings note it. */
export interface RecordedState {
  messages: { codecMessageId: string; message: UIMessage }[]
  runs: unknown[]
}

/** A recording of a conversation on a channel. */
export interface Transcript {
  name: string
  /** As a live subscriber hears it. */
  wire: ChannelMessage[]
  /** The same channel read back, newest first. */
  history: ChannelMessage[]
  /** Of a late joiner: what it reads back up to its attach, newest first. */
  joinHistory?: ChannelMessage[]
  expected: { observer: RecordedState; history: RecordedState }
  checkpoints: (RecordedState & { afterWire: number })[]
}

export const readTranscript = (name: string): Transcript =>
  parseCorrected(name, readFileSync(new URL(`../transcripts/${name}.json`, import.meta.url), 'utf8')) as Transcript

/** Messages without those that were delivered twice. */
export function once(messages: readonly ChannelMessage[]): ChannelMessage[] {
  const seen = new Set<string>()
  return messages.filter(({ serial, version }) => {
    const key = JSON.stringify([serial, version?.serial])
    return !seen.has(key) && seen.add(key)
  })
}

export const newTree = (): Tree<UIMessage> => new Tree(UIMessageCodec)

/** Folds messages as they would arrive live, settling after each as a view does. */
export function hear(tree: Tree<UIMessage>, messages: readonly ChannelMessage[]): void {
  for (const message of messages) {
    tree.apply(message)
    tree.settle()
  }
}

/** Folds history in pages, oldest message of each page first. */
export function readBack(tree: Tree<UIMessage>, history: readonly ChannelMessage[], pageSize: number): void {
  for (let start = 0; start < history.length; start += pageSize) {
    for (const message of history.slice(start, start + pageSize).toReversed()) tree.apply(message)
    tree.settle()
  }
}

/** The newest branch of a tree in the recordings' terms, passed through JSON as they were. */
export function stateOf(tree: Tree<UIMessage>): RecordedState {
  tree.settle()
  // As it is when nobody waits any longer for text that may still come
  tree.forgetEnding()
  tree.settle()
  const stretches = walk(tree, { picked: new Map() })
  const messages = stretches.flatMap(({ node, ids }) =>
    ids.map((id) => ({ codecMessageId: id, message: node.message(id)! })),
  )
  const nodes = stretches.map(({ node }) => node)
  const runs = nodes
    .filter((node) => node instanceof RunNode && !node.isAwaited)
    .map((node) => recordedRun(tree.info(node as RunNode<UIMessage>)))
  return JSON.parse(JSON.stringify({ messages, runs })) as RecordedState
}

const recordedRun = ({ runId, clientId, invocationId, status, steps, error }: ReturnType<Tree<UIMessage>['info']>) => ({
  runId,
  clientId,
  invocationId,
  status,
  steps,
  ...(error && { error }),
})
