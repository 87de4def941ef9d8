import { expect, it } from 'vitest'
import type { ChannelMessage } from '../../src/core/wire'
import { hear, newTree, stateOf } from '../support/transcripts'
import { later, message, output, prompt, runMessage } from './wire'

const start = (run: string, transport = {}) =>
  runMessage('ai-run-start', run, { 'invocation-id': `${run}-1`, 'run-client-id': 'alice', ...transport })
const text = (run: string, id: string, transport = {}, data = id) =>
  output(run, { kind: 'text' }, data, { 'codec-message-id': id, 'invocation-id': `${run}-1`, ...transport })
const stream = (run: string, id: string, transport = {}) =>
  text(run, id, { stream: 'true', status: 'streaming', 'stream-id': 't', ...transport }, '')

/** The state after these messages in this order and in reverse, which must be equal. */
function stateAfter(...messages: ChannelMessage[]) {
  const [there, back] = [newTree(), newTree()]
  hear(there, messages)
  hear(back, messages.toReversed())
  expect(stateOf(back)).toEqual(stateOf(there))
  return stateOf(there)
}
const idsAfter = (...messages: ChannelMessage[]) => stateAfter(...messages).messages.map((each) => each.codecMessageId)
const runsAfter = (...messages: ChannelMessage[]) => stateAfter(...messages).runs

it('the highest version of a message wins, for a closed stream and a discrete message too (17.1)', () => {
  const open = stream('r', 'm')
  const closed = later(open, 'message.append', { transport: { status: 'complete' }, data: 'whole' })
  const mended = later(closed, 'message.update', { data: 'mended' })
  const whole = prompt('p')
  const reworded = later(whole, 'message.update', { data: 'reworded' })
  const tree = newTree()
  hear(tree, [open, closed, mended, whole, reworded, closed, whole])
  expect(JSON.stringify(stateOf(tree).messages)).toContain('"mended"')
  expect(JSON.stringify(stateOf(tree).messages)).toContain('"reworded"')
})

// NOTE: Ably keeps the version with the highest serial in history, so all readers agree even if the clocks of
// two sites differ
it('of two edits the one with the higher version shows, although it was made and received first (17.1)', () => {
  const said = prompt('p')
  const version = (serial: string) => ({ version: { serial: `${said.serial}${serial}` } })
  const ahead = { ...later(said, 'message.update', { data: 'ahead' }), ...version('-2@ahead') }
  const behind = { ...later(said, 'message.update', { data: 'behind' }), ...version('-1@behind') }
  expect(JSON.stringify(stateAfter(ahead, behind).messages)).toContain('"ahead"')
  expect(stateAfter(said, ahead, behind)).toEqual(stateAfter(ahead))
})

it('deleted messages are hidden, known before or not (17.1)', () => {
  const said = prompt('p')
  const gone = { ...later(said, 'message.delete', {}), extras: undefined, name: undefined }
  const tree = newTree()
  hear(tree, [said, gone])
  expect(stateOf(tree).messages).toEqual([])
  expect(tree.nodeOf('p')).toBeUndefined()
  expect(idsAfter(gone, said)).toEqual([])
})

it('a message moves if its update names another place (17.1)', () => {
  const first = text('r1', 'm')
  const tree = newTree()
  hear(tree, [start('r1'), start('r2'), first, later(first, 'message.update', { transport: { 'run-id': 'r2' } })])
  expect(tree.nodeOf('m')?.key).toBe('r2')
  expect(tree.runs.get('r1')!.size).toBe(0)
})

it('a message that is first seen as an append counts as open until it is read from history (17.1)', () => {
  const open = stream('r', 'm')
  const one = later(open, 'message.append', { data: 'one ' })
  const two = later(one, 'message.append', { data: 'two', transport: { status: 'complete' } })
  const tree = newTree()
  hear(tree, [start('r'), runMessage('ai-run-end', 'r'), two])
  expect(tree.oldestOpen()).toBe(open.serial)
  hear(tree, [{ ...one, action: 'message.update' }])
  expect(JSON.stringify(stateOf(tree).messages)).toContain('"one two"')
  expect(tree.oldestOpen()).toBe(open.serial)
  hear(tree, [{ ...two, action: 'message.update', data: 'one and two' }])
  expect(JSON.stringify(stateOf(tree).messages)).toContain('"one and two"')
  expect(tree.oldestOpen()).toBeUndefined()
})

it('a suspend of an earlier invocation is ignored, and the first end of a run counts (17.2)', () => {
  const suspend = (invocation: string) => runMessage('ai-run-suspend', 'r', { 'invocation-id': invocation })
  const resume = runMessage('ai-run-resume', 'r', { 'invocation-id': 'r-2' })
  const begun = start('r')
  expect(runsAfter(begun, suspend('r-1'))).toMatchObject([{ status: 'suspended' }])
  expect(runsAfter(begun, suspend('r-1'), resume)).toMatchObject([{ status: 'active' }])
  expect(runsAfter(begun, resume, suspend('r-1'))).toMatchObject([{ status: 'active' }])
  expect(runsAfter(begun, resume, suspend('r-2'))).toMatchObject([{ status: 'suspended' }])
  const end = runMessage('ai-run-end', 'r', { 'run-reason': 'cancelled' })
  expect(runsAfter(begun, end, runMessage('ai-run-end', 'r'), resume)).toMatchObject([{ status: 'cancelled' }])
})

it('the end of a run is kept if it arrives before all other messages of the run (17.9)', () => {
  const end = runMessage('ai-run-end', 'r', { 'run-reason': 'cancelled' })
  const tree = newTree()
  hear(tree, [end])
  expect(stateOf(tree).runs).toEqual([])
  hear(tree, [runMessage('ai-step-start', 'r', { 'step-id': 's' })])
  expect(stateOf(tree).runs).toMatchObject([{ runId: 'r', status: 'cancelled' }])
})

it('a run is listed if only an output without content is known (17.9)', () => {
  expect(runsAfter(output('r', { kind: 'finish-step' }, '', { 'invocation-id': 'i' }))).toMatchObject([{ runId: 'r' }])
})

it("owner and invocation come from the start of a run, or else from the agent's earliest message (17.5)", () => {
  const steer = message(
    'ai-input',
    { role: 'user', 'run-id': 'r', 'codec-message-id': 's', 'run-client-id': 'bob' },
    { kind: 'user-message', partType: 'text' },
  )
  expect(runsAfter(steer)).toMatchObject([{ clientId: 'bob', invocationId: '' }])
  const resumed = text('r', 'm2', { 'run-client-id': 'carol', 'invocation-id': 'r-2' })
  expect(runsAfter(steer, resumed)).toMatchObject([{ clientId: 'carol', invocationId: 'r-2' }])
  expect(runsAfter(steer, start('r'), resumed)).toMatchObject([{ clientId: 'alice', invocationId: 'r-1' }])
  const nobody = start('n', { 'run-client-id': '' })
  expect(runsAfter(nobody, text('n', 'm', { 'run-client-id': 'dave' }))).toMatchObject([{ clientId: 'dave' }])
})

it('a run is placed by its start, even if other messages of it arrive first (17.5)', () => {
  const [one, two] = [start('r1'), start('r2')]
  expect(runsAfter(two, one, text('r2', 'm2'), text('r1', 'm1'))).toMatchObject([{ runId: 'r1' }, { runId: 'r2' }])
})

it('the provisional parent of a run is never one of its own messages (17.6)', () => {
  const asked = prompt('p')
  const first = text('r', 'm1', { parent: 'p' })
  const resumed = text('r', 'm2', { parent: 'm1' })
  const tree = newTree()
  hear(tree, [resumed])
  expect(tree.runs.get('r')!.parent).toBe('m1')
  hear(tree, [first, asked])
  expect(tree.runs.get('r')!.parent).toBe('p')
  expect(stateOf(tree).messages.map(({ codecMessageId }) => codecMessageId)).toEqual(['p', 'm1', 'm2'])
})

it('the prompt that woke a run does not become its parent (7.2)', () => {
  expect(idsAfter(text('r', 'm', { parent: 'gone', 'input-codec-message-id': 'gone' }))).toEqual(['m'])
})

it('a message belongs to the node that mentions it first (17.8)', () => {
  const [early, late] = [text('r1', 'm'), text('r2', 'm')]
  const tree = newTree()
  hear(tree, [late, start('r2'), start('r1'), early])
  expect(tree.nodeOf('m')?.key).toBe('r1')
  hear(tree, [{ ...later(early, 'message.delete', {}), extras: undefined }])
  expect(tree.nodeOf('m')?.key).toBe('r2')
})

it('a step shows the output of its latest attempt, and all output while no attempt is known (17.10)', () => {
  const attempts = [1, 2].map(() => runMessage('ai-step-start', 'r', { 'step-id': 's' }))
  const by = (attempt: number, id: string) =>
    text('r', id, { 'step-id': 's', 'step-start-serial': attempts[attempt]!.serial })
  const [one, two] = [by(0, 'm1'), by(1, 'm2')]
  expect(idsAfter(one, two)).toEqual(['m1', 'm2'])
  expect(idsAfter(attempts[0]!, one, two)).toEqual(['m1'])
  expect(idsAfter(...attempts, one, two)).toEqual(['m2'])
})

it('appends of an earlier attempt do not change the output of the latest one (17.10)', () => {
  const attempts = [1, 2].map(() => runMessage('ai-step-start', 'r', { 'step-id': 's' }))
  const [dead, live] = attempts.map(({ serial }) => stream('r', 'm', { 'step-id': 's', 'step-start-serial': serial }))
  const tree = newTree()
  hear(tree, [attempts[0]!, dead!, attempts[1]!, live!, later(live!, 'message.append', { data: 'live' })])
  hear(tree, [later(dead!, 'message.append', { data: 'dead' })])
  expect(JSON.stringify(stateOf(tree).messages)).toContain('"live"')
})

it('steps are sorted by their first attempt (17.10)', () => {
  const step = (id: string) => runMessage('ai-step-start', 'r', { 'step-id': id })
  const [run] = runsAfter(start('r'), step('a'), step('b'), step('a'))
  expect(run!.steps).toMatchObject([{ stepId: 'a', attemptCount: 2 }, { stepId: 'b' }])
})

it('a child that sorts before its parent waits until the parent is placed (17.11)', () => {
  const [child, parent] = [prompt('child', { parent: 'p' }), prompt('p')]
  expect(idsAfter(child, parent)).toEqual(['p', 'child'])
})

it.each(['message.update', 'message.delete'] as const)(
  'a prompt stays known when a %s of it arrives before the tree is settled',
  (action) => {
    const said = prompt('p')
    const changed = later(said, action, { data: '***' })
    const restored = later(changed, 'message.update', { data: 'said' })
    const tree = newTree()
    for (const each of [said, changed, restored]) tree.apply(each)
    tree.settle()
    hear(tree, [prompt('q', { parent: 'p' })])
    expect(tree.nodeOf('p')).toBe(tree.inputs.get('p'))
    expect(stateOf(tree)).toEqual(stateAfter(said, restored, prompt('q', { parent: 'p' })))
  },
)

it('an earlier end of a run counts when the rows of the run are packed before the tree is settled', () => {
  const early = runMessage('ai-run-end', 'r', { 'run-reason': 'complete' })
  const end = runMessage('ai-run-end', 'r', { 'run-reason': 'error' })
  const rows = [start('r'), text('r', 'm')]
  const tree = newTree()
  hear(tree, [...rows, end])
  tree.apply(early)
  tree.compact([tree.runs.get('r')!])
  tree.settle()
  expect(tree.runs.get('r')!.state.status).toBe('complete')
})
