import { stepsOf } from '../support/steps'
import type { UIMessage } from 'ai'
import { describe, expect, it } from 'vitest'
import { UIMessageCodec } from '../../src/codec'
import { plainPort } from '../../src/core/signals'
import { Tree } from '../../src/core/tree'
import { ownerOnly, trustOf } from '../../src/core/access'
import type { ChannelMessage } from '../../src/core/wire'
import { message, output, prompt, runMessage } from './wire'
import { stateOf } from '../support/transcripts'

const second = 10_000

const ofRun = { 'invocation-id': 'i', 'input-codec-message-id': 'p', 'input-client-id': 'alice', parent: 'p' }

const tooMany = Object.fromEntries(Array.from({ length: 201 }, (_, n) => [`h${n}`, 'x']))

/** Messages that a stranger can publish on a channel, by number. */
const junk: [string, (n: number) => ChannelMessage][] = [
  ['messages of other applications', (n) => ({ ...message('chat', {}), data: 'x'.repeat(100), extras: { n } })],
  ['messages of unknown versions', (n) => message('ai-hologram', { 'run-id': `r${n}` })],
  ['messages that make no sense', (n) => ({ ...message('ai-input', {}), extras: { ai: [n] } })],
  ['forged replies', (n) => output('r', { kind: 'text' }, `evil ${n}`, ofRun)],
  ['forged runs', (n) => runMessage('ai-run-start', `ghost-${n}`, ofRun)],
  ['forged ends of runs', (n) => runMessage('ai-run-end', `ghost-${n}`, ofRun)],
  ['cancels of unknown runs', (n) => runMessage('ai-cancel', `ghost-${n}`, { 'event-id': `${n}` })],
  ['cancels of unknown prompts', (n) => message('ai-cancel', { 'input-codec-message-id': `ghost-${n}` })],
  ['cancels of one unknown run', (n) => runMessage('ai-cancel', 'ghost', { 'event-id': `${n}` })],
  ['cancels of one unknown prompt', (n) => message('ai-cancel', { 'input-codec-message-id': 'ghost', 'event-id': `${n}` })],
  ['steers into unknown runs', (n) => prompt(`s${n}`, { 'run-id': `ghost-${n}`, discrete: 'true' })],
  ['forks of unknown runs', (n) => message('ai-input', { role: 'assistant', 'codec-message-id': `f${n}`, supersedes: `ghost-${n}` }, { kind: 'tool-result', toolCallId: 'c' }, { output: 1 })],
  ['too many headers', (n) => prompt(`h${n}`, tooMany)],
] // prettier-ignore

/** A conversation of alice with a run that is streaming. */
function aConversation() {
  const tree = new Tree<UIMessage>(UIMessageCodec, plainPort, trustOf({ agents: 'agent', policy: ownerOnly }))
  const start = { ...runMessage('ai-run-start', 'r', ofRun), clientId: 'agent' }
  for (const each of [{ ...prompt('p'), clientId: 'alice' }, start]) tree.apply(each)
  tree.settle()
  return tree
}

describe.each(junk)('a flood of %s, ten thousand a second', (_, make) => {
  it('shows nothing, keeps memory bounded and takes a bounded number of steps per message', () => {
    const tree = aConversation()
    const before = JSON.stringify(stateOf(tree))
    const flood = Array.from({ length: second }, (__, n) => ({ ...make(n), clientId: 'mallory' }))
    const steps = stepsOf(() => {
      flood.forEach((each, n) => {
        tree.apply(each)
        // NOTE: a page draws sixty times a second
        if (n % 166 === 0) tree.settle()
      })
      tree.settle()
    })
    expect(JSON.stringify(stateOf(tree))).toBe(before)
    expect([...tree.log.rows()].length).toBeLessThanOrEqual(2002)
    expect(tree.runs.size).toBeLessThanOrEqual(1001)
    expect(tree.inputs.size).toBe(1)
    expect(tree.nodes().length).toBeLessThanOrEqual(1002)
    expect(steps / second).toBeLessThan(600)
  })
})

describe.each([
  ['answers', 'steers into unknown runs'],
  ['forks', 'forks of unknown runs'],
])('a flood of %s, read from history', (_, flood) => {
  it('drops no answer of another client, whose run is further back', () => {
    const answer = { role: 'user', 'codec-message-id': 'm', 'run-id': 'r' }
    const fork = { role: 'assistant', 'codec-message-id': 'f', supersedes: 'r' }
    const older = [
      { ...prompt('p'), clientId: 'alice' },
      { ...runMessage('ai-run-start', 'r', ofRun), clientId: 'agent' },
    ]
    const own = [answer, fork].map((transport) => ({
      ...message('ai-input', transport, { kind: 'tool-result', toolCallId: 'c' }, { output: 1 }),
      clientId: 'alice',
    }))
    const make = junk.find(([title]) => title === flood)![1]
    const junked = Array.from({ length: 2000 }, (__, n) => ({ ...make(n), clientId: 'mallory' }))
    const tree = new Tree<UIMessage>(UIMessageCodec, plainPort, trustOf({ agents: 'agent', policy: ownerOnly }))
    for (const page of [own, junked, older]) {
      for (const each of page) tree.apply(each)
      tree.settle()
    }
    for (const { serial } of own) expect(tree.log.get(serial!)?.home).toBeDefined()
    expect(tree.runs.size).toBeLessThanOrEqual(1001)
  })
})

describe('a flood of cancels that policy refuses', () => {
  it.each([
    ['a run', (n: number) => runMessage('ai-cancel', 'r', { 'event-id': `${n}` })],
    ['the prompt of a run', (n: number) => message('ai-cancel', { 'input-codec-message-id': 'p', 'event-id': `${n}` })],
  ])('that name %s changes nothing that is shown, so it costs no refresh', (_, cancel) => {
    const tree = aConversation()
    const before = JSON.stringify(stateOf(tree))
    const settled = Array.from({ length: 1000 }, (__, n) => {
      tree.apply({ ...cancel(n), clientId: 'mallory' })
      return tree.settle()
    })
    expect(settled.filter(({ structure, changed }) => structure || changed.length > 0)).toEqual([])
    expect(JSON.stringify(stateOf(tree))).toBe(before)
    tree.apply({ ...cancel(1001), clientId: 'alice' })
    expect(tree.settle().changed).toContain(tree.runs.get('r'))
    expect(tree.runs.get('r')!.info().cancelling?.by).toBe('alice')
  })
})
