import { expect, it } from 'vitest'
import { hear, newTree } from '../support/transcripts'
import { message, output, runMessage } from './wire'

const steer = (id: string) =>
  message(
    'ai-input',
    { role: 'user', 'run-id': 'r', 'codec-message-id': id, 'event-id': `e-${id}`, discrete: 'true' },
    { kind: 'user-message', messageId: id, partType: 'text' },
    id,
  )
const stamped = (ids: string) => output('r', { kind: 'text' }, 'Yes', { 'steer-codec-message-ids': ids })
const begun = () => runMessage('ai-run-start', 'r', { 'invocation-id': 'i', 'input-codec-message-id': 'p' })

it('a steer is waiting until a part of the reply names it as consumed', () => {
  const tree = newTree()
  hear(tree, [begun(), steer('s1'), steer('s2')])
  const run = tree.runs.get('r')!
  const shown = run.viewMessage('s1')!
  expect(shown).toMatchObject({ state: 'sent', steer: 'waiting', runId: 'r' })
  hear(tree, [stamped('["s1"]')])
  expect(run.viewMessage('s1')).toBe(shown)
  expect(shown.steer).toBe('consumed')
  expect(run.viewMessage('m')).toMatchObject({ state: 'streaming' })
  expect(run.viewMessage('m')!.steer).toBeUndefined()
  hear(tree, [runMessage('ai-run-end', 'r')])
  expect(['s1', 's2'].map((id) => run.steerState(id))).toEqual(['consumed', 'missed'])
})

it.each(['', 'null', '{"s1":1}', '[1,{"s1":2}]', '["__proto__"', '[["s1"]]'])(
  'a steer stays waiting after the malformed header %j',
  (ids) => {
    const tree = newTree()
    hear(tree, [begun(), steer('s1'), stamped(ids)])
    expect(tree.runs.get('r')!.steerState('s1')).toBe('waiting')
  },
)

it('a message that resumed the run is no steer', () => {
  const tree = newTree()
  hear(tree, [begun(), steer('s1'), runMessage('ai-run-resume', 'r', { 'input-codec-message-id': 's1' })])
  expect(tree.runs.get('r')!.steerState('s1')).toBeUndefined()
})

it('a steer is consumed in any order of arrival', () => {
  const tree = newTree()
  hear(tree, [begun(), steer('s1'), stamped('["s1"]'), runMessage('ai-run-end', 'r')].toReversed())
  expect(tree.runs.get('r')!.steerState('s1')).toBe('consumed')
})
