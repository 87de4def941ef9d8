import { describe, expect, it } from 'vitest'
import type { UIMessage } from 'ai'
import { UIMessageCodec } from '../../src/codec'
import { plainPort } from '../../src/core/signals'
import { Tree } from '../../src/core/tree'
import { ownerOnly, trustOf, type TrustOptions } from '../../src/core/access'
import type { ChannelMessage } from '../../src/core/wire'
import { message, output, prompt, runMessage } from './wire'
import { randomFrom, shuffled } from '../support/channel-table'
import { hear, stateOf } from '../support/transcripts'

const newTree = (trust: TrustOptions = { agents: 'agent', policy: ownerOnly }) =>
  new Tree<UIMessage>(UIMessageCodec, plainPort, trustOf(trust))

const by = (clientId: string | undefined, given: ChannelMessage): ChannelMessage => ({ ...given, clientId })

const ofRun = { 'invocation-id': 'i', 'input-codec-message-id': 'p', 'input-client-id': 'alice' }
const start = (runId = 'r', more: object = {}) =>
  by('agent', runMessage('ai-run-start', runId, { ...ofRun, parent: 'p', ...more }))
const call = (runId = 'r', id = 'm') =>
  by('agent', output(runId, { kind: 'tool-input', toolCallId: 'c', toolName: 'pay' }, {}, { ...ofRun, 'codec-message-id': id })) // prettier-ignore
const says = (text: string, runId = 'r', id = 'm') =>
  by('agent', output(runId, { kind: 'source-url', sourceId: text }, text, { ...ofRun, 'codec-message-id': id }))

const approval = (clientId: string, more: object = {}) =>
  by(
    clientId,
    message(
      'ai-input',
      { role: 'user', 'run-id': 'r', 'codec-message-id': 'm', ...more },
      { kind: 'tool-approval-response', toolCallId: 'c', approved: 'true' },
    ),
  )
const steer = (clientId: string, id = 's') =>
  by(
    clientId,
    message(
      'ai-input',
      { role: 'user', 'run-id': 'r', 'codec-message-id': id, discrete: 'true' },
      { kind: 'user-message', messageId: id, partType: 'text' },
      'By train',
    ),
  )
const forkSeed = {
  messages: [{ codecMessageId: 'copy', message: { id: 'x', role: 'assistant', parts: [{ type: 'text', text: 'I owe you' }] } }],
} // prettier-ignore
const fork = (clientId: string) =>
  by(
    clientId,
    message(
      'ai-input',
      { role: 'assistant', 'codec-message-id': 'copy', parent: 'p', supersedes: 'r' },
      { kind: 'tool-result', toolCallId: 'c' },
      { output: 'paid', forkSeed },
    ),
  )
const cancel = (clientId: string, target: object) => by(clientId, message('ai-cancel', { 'event-id': 'e', ...target }))

const asked = by('alice', prompt('p'))
// NOTE: these get the first serials, because a message can be named only after it exists
const known = [asked, start(), call()]

/** The state that others see after these messages, in any order. */
function stateAfter(rows: readonly ChannelMessage[], trust?: TrustOptions) {
  const state = (ordered: readonly ChannelMessage[]) => {
    const tree = newTree(trust)
    for (const row of ordered) hear(tree, [row])
    return {
      ...stateOf(tree),
      cancelling: Object.fromEntries(Array.from(tree.runs, ([key, run]) => [key, run.info().cancelling?.by])),
    }
  }
  const forwards = state(rows)
  expect(state(rows.toReversed())).toEqual(forwards)
  return forwards
}

/** The forged messages that change the state others see. */
function effective(...forged: ChannelMessage[]): ChannelMessage[] {
  const before = JSON.stringify(stateAfter(known))
  return forged.filter((each) => JSON.stringify(stateAfter([...known, each])) !== before)
}

describe('with `agents` set, if another client publishes it,', () => {
  it.each([
    ['an output', () => output('r', { kind: 'source-url' }, 'evil', ofRun)],
    ['an output of another run', () => output('r2', { kind: 'source-url' }, 'evil', { ...ofRun, parent: 'p' })],
    ['the start of a run', () => runMessage('ai-run-start', 'r2', { ...ofRun, parent: 'p' })],
    ['the end of a run', () => runMessage('ai-run-end', 'r', { ...ofRun, 'run-reason': 'complete' })],
    ['a suspend', () => runMessage('ai-run-suspend', 'r', ofRun)],
    ['another attempt of a step', () => runMessage('ai-step-start', 'r', { ...ofRun, 'step-id': 's' })],
    ['an append to an unknown message', () => ({ ...output('r', { kind: 'text' }, 'x', { ...ofRun, stream: 'true' }), name: undefined, action: 'message.append' })],
  ])('%s changes nothing', (_, forged) => {
    expect(effective(by('mallory', forged()), by(undefined, forged()))).toEqual([])
  }) // prettier-ignore

  it('a prompt that an update turns into an output is deleted', () => {
    const sent = by('alice', prompt('q', { 'run-id': 'r', 'codec-message-id': 'm' }))
    const turned = {
      ...sent,
      name: 'ai-output',
      action: 'message.update',
      version: { serial: 'z' },
      extras: output('r', { kind: 'source-url' }, '', { ...ofRun }).extras,
    }
    expect(effective(turned)).toEqual([])
    const tree = newTree()
    hear(tree, [...known, by('alice', prompt('q2'))])
    const before = stateOf(tree)
    hear(tree, [sent, turned])
    expect(stateOf(tree)).toEqual(before)
    const again = ['message.update', 'message.append'].map((action, index) => ({ ...turned, action, version: { serial: `z${index}` } })) // prettier-ignore
    for (const repeated of again) {
      hear(tree, [repeated])
      expect(stateOf(tree)).toEqual(before)
    }
  })

  it.each([
    ['a list', ['agent', 'other']],
    ['a function', (clientId: string | undefined) => clientId === 'other'],
  ])('%s can name several agents', (_, agents) => {
    const tree = newTree({ agents })
    hear(tree, [by('other', runMessage('ai-run-start', 'r2', ofRun)), by('mallory', runMessage('ai-run-start', 'r3', ofRun))]) // prettier-ignore
    expect(stateOf(tree).runs.map(({ runId }) => runId)).toEqual(['r2'])
  })
})

describe('a forged input', () => {
  const input = (transport: object, codec: object, data: unknown = 'I owe you') =>
    message('ai-input', { role: 'user', 'run-id': 'r', 'codec-message-id': 'm', ...transport }, { ...codec }, data)

  it.each([
    ['a prompt with the role of the system', () => prompt('x', { role: 'system', parent: 'm' })],
    ['a prompt with the role of the assistant', () => prompt('x', { role: 'assistant', parent: 'm' })],
    ['a steer with another role', () => input({ role: 'system', 'codec-message-id': 'x', discrete: 'true' }, { kind: 'user-message', partType: 'text' })],
    ['a steer into a reply', () => input({ discrete: 'true' }, { kind: 'user-message', partType: 'text' })],
    ['an input with the headers of an output', () => input({}, { kind: 'source-url', sourceId: 'x' })],
    ['an output of a tool that did not run', () => input({}, { kind: 'tool-output-available', toolCallId: 'c' }, { output: 1 })],
    ['an answer that copies messages but is no fork', () => input({ 'codec-message-id': 'copy' }, { kind: 'tool-result', toolCallId: 'x' }, { output: 1, forkSeed })],
    ['an input with headers of an agent', () => input({ ...ofRun, 'msg-regenerate': 'm', parent: 'p', 'input-client-id': 'mallory' }, { kind: 'tool-result', toolCallId: 'x' }, { output: 1 })],
  ])('does not change a reply: %s, of the owner or another user', (_, forged) => {
    expect(effective(by('alice', forged()), by('mallory', forged()))).toEqual([])
  }) // prettier-ignore

  it('does not change a reply by its copies: a fork starts with the messages of the suspended run', () => {
    const state = stateAfter([...known, fork('alice')])
    expect(state.messages.map(({ codecMessageId }) => codecMessageId)).toEqual(['p', 'copy'])
    expect(state.messages[1]!.message).toMatchObject({
      id: 'm',
      parts: [{ type: 'step-start' }, { type: 'tool-pay', state: 'output-available', output: 'paid' }],
    })
    expect(JSON.stringify(state)).not.toContain('I owe you')
  })

  it("does not change another user's prompt", () => {
    expect(effective(by('mallory', prompt('p')), by(undefined, prompt('p')))).toEqual([])
  })
})

describe('with ownerOnly', () => {
  it('answers and steers of other users change nothing, those of the owner do', () => {
    expect(effective(approval('mallory'), steer('mallory'), approval('mallory', { 'run-client-id': 'alice' }))).toEqual(
      [],
    )
    const state = stateAfter([...known, approval('alice'), steer('alice')])
    expect(state.messages.map(({ codecMessageId }) => codecMessageId)).toEqual(['p', 'm', 's'])
    expect(state.messages[1]!.message.parts[1]).toMatchObject({ state: 'approval-responded' })
  })

  it('forks of other users change nothing', () => {
    expect(effective(fork('mallory'))).toEqual([])
  })

  it("a run that continues another user's fork replaces no run", () => {
    const second = [
      start('r2', { 'input-codec-message-id': 'copy', 'input-client-id': 'mallory' }),
      says('sure', 'r2', 'm2'),
    ]
    const state = stateAfter([...known, fork('mallory'), ...second])
    expect(state.runs.map(({ runId }) => runId)).toEqual(['r2'])
    expect(JSON.stringify(state)).not.toContain('I owe you')
  })

  it('cancels of other users do not show, for a run or for a prompt', () => {
    expect(
      effective(cancel('mallory', { 'run-id': 'r' }), cancel('mallory', { 'input-codec-message-id': 'p' })),
    ).toEqual([])
    for (const target of [{ 'run-id': 'r' }, { 'input-codec-message-id': 'p' }]) {
      const rows = [...known, cancel('mallory', target), cancel('alice', target)]
      expect(stateAfter(rows).cancelling).toEqual({ r: 'alice' })
    }
    const tree = newTree()
    hear(tree, [asked, cancel('mallory', { 'input-codec-message-id': 'p' })])
    expect(tree.cancels.ofInput('p')[0]).toBeUndefined()
    hear(tree, [cancel('alice', { 'input-codec-message-id': 'p' })])
    expect(tree.cancels.ofInput('p')[0]?.clientId).toBe('alice')
  })

  it('an edit by another user shows beside the prompt instead of replacing it', () => {
    const ids = (editor: string) =>
      stateAfter([...known, by(editor, prompt('p2', { 'fork-of': 'p' }))]).messages.map((each) => each.codecMessageId)
    expect(ids('mallory')).toEqual(['p', 'm', 'p2'])
    expect(ids('alice')).toEqual(['p2'])
  })

  it('answers count only after the start of the run names its owner', () => {
    const tree = newTree()
    hear(tree, [asked, call(), approval('alice')])
    const state = () => tree.runs.get('r')!.message('m')!.parts[1]
    expect(state()).toMatchObject({ state: 'input-available' })
    hear(tree, [start()])
    expect(state()).toMatchObject({ state: 'approval-responded' })
  }) // prettier-ignore
})

describe('the id of a prompt', () => {
  const own = [
    by('mallory', prompt('q')),
    start('r2', { 'input-codec-message-id': 'q', 'input-client-id': 'mallory', parent: 'q' }),
    call('r2', 'mine'),
  ]
  const copy = () => by('mallory', message('ai-input', { role: 'assistant', 'codec-message-id': 'p', supersedes: 'r2' }, { kind: 'tool-result', toolCallId: 'c' }, { output: 'paid', forkSeed })) // prettier-ignore

  it('does not let another user add messages to the run that answers it', () => {
    const tree = newTree()
    hear(tree, [...known, ...own])
    const { serial } = tree.runs.get('r')!
    hear(tree, [copy()])
    expect(tree.runs.get('r')!.serial).toBe(serial)
    expect([...tree.runs.get('r')!.ids]).toEqual(['m'])
  })

  it('does not link it to a run that another user requested', () => {
    const other = start('r3', { 'input-client-id': 'mallory', parent: 'mine', 'msg-regenerate': 'x' })
    const tree = newTree()
    hear(tree, [...known, ...own, other])
    expect(tree.runsOf('p').map(({ key }) => key)).toEqual(['r'])
    expect(tree.runsOf('q').map(({ key }) => key)).toEqual(['r2'])
  })
})

describe('the owner of a run', () => {
  it('is the client id that Ably reports, even if prompt and agent copy another from headers', () => {
    const forged = by('mallory', prompt('p', { 'run-client-id': 'alice' }))
    const tree = newTree()
    hear(tree, [forged, start('r', { 'run-client-id': 'alice', 'input-client-id': 'mallory' })])
    expect(stateOf(tree).runs).toMatchObject([{ clientId: 'mallory' }])
    expect(tree.inputs.get('p')!.clientId).toBe('mallory')
  })

  it('stays the user who started it when another user resumes it', () => {
    const resume = by('agent', runMessage('ai-run-resume', 'r', { ...ofRun, 'invocation-id': 'i2', 'input-client-id': 'bob' })) // prettier-ignore
    expect(stateAfter([...known, resume], { agents: 'agent' }).runs).toMatchObject([{ clientId: 'alice' }])
  })
})

it('the state is the same in any order in which messages arrive and are settled', () => {
  const strangers = [approval('mallory'), steer('mallory', 's2'), fork('mallory'), cancel('mallory', { 'run-id': 'r' })]
  const owners = [approval('alice'), steer('alice'), fork('alice'), cancel('alice', { 'input-codec-message-id': 'p' })]
  const copyRun = [
    start('r2', { 'input-codec-message-id': 'copy' }),
    says('so it is', 'r2', 'm2'),
    by('agent', runMessage('ai-run-end', 'r2', { ...ofRun, 'run-reason': 'complete' })),
  ]
  const rows = [...known, ...strangers, ...owners, ...copyRun]
  const expected = stateAfter(rows)
  expect(expected.messages.map(({ codecMessageId }) => codecMessageId)).toEqual(['p', 'copy', 'm2'])
  for (let seed = 1; seed <= 100; seed++) expect(stateAfter(shuffled(rows, randomFrom(seed)))).toEqual(expected)
})

it.each([
  ['cancel', cancel('mallory', { 'run-id': 'r' })],
  ['cancel', cancel('mallory', { 'input-codec-message-id': 'p' })],
  ['steer', steer('mallory')],
  ['answer', approval('mallory')],
  ['fork', fork('mallory')],
  ['edit', by('mallory', prompt('p2', { 'fork-of': 'p' }))],
])('a policy that throws refuses the action: %s', (kind, act) => {
  const stateUnder = (decide: () => boolean) =>
    stateAfter([...known, act, says('more')], {
      agents: 'agent',
      policy: (each) => each.kind !== kind || each.clientId === each.ownerClientId || decide(),
    })
  const refused = stateUnder(() => false)
  expect(stateUnder(() => JSON.parse('no team'))).toEqual(refused)
  expect(stateUnder(() => true)).not.toEqual(refused)
})

it('the tree terminates if runs claim to replace each other', () => {
  const claim = (id: string, runId: string) =>
    by('alice', message('ai-input', { role: 'assistant', 'codec-message-id': id, parent: 'p', supersedes: runId }, { kind: 'tool-result', toolCallId: 'c' }, { output: 1, forkSeed })) // prettier-ignore
  const claims = [claim('x', 'r2'), claim('y', 'r1'), claim('x', 'r2'), claim('y', 'r1')]
  const runs = [
    start('r1', { 'input-codec-message-id': 'x' }),
    start('r2', { 'input-codec-message-id': 'y' }),
    call('r1', 'm1'),
    call('r2', 'm2'),
  ]
  const rows = [...known, ...claims, ...runs]
  const expected = stateAfter(rows)
  expect(expected.messages.map((each) => each.codecMessageId)).toEqual(['p', 'm'])
  for (let seed = 1; seed <= 50; seed++) expect(stateAfter(shuffled(rows, randomFrom(seed)))).toEqual(expected)
})
