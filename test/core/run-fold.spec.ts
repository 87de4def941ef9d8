import { expect, it } from 'vitest'
import type { Row } from '../../src/core/rows'
import { RunFold } from '../../src/core/run-fold'
import type { ChannelMessage } from '../../src/core/wire'
import { randomFrom, shuffled } from '../support/channel-table'
import { hear, newTree } from '../support/transcripts'
import { message, output, runMessage } from './wire'

/** A message at another place, as from a site whose clock is behind. */
const at = (serial: string, given: ChannelMessage): ChannelMessage => ({ ...given, serial, version: { serial } })

/** The rows of one run with retried steps, suspends, steers and messages of two sites, in the order they were sent. */
function randomRun(random: () => number): ChannelMessage[] {
  const wire = [runMessage('ai-run-start', 'r', { 'invocation-id': 'i0', 'input-codec-message-id': 'p', parent: 'p' })]
  const attempts = new Map<string, string>()
  const any = (count: number): number => Math.floor(random() * count)
  const send = (given: ChannelMessage): string => {
    const behind = any(6) === 0 ? wire[any(wire.length)]!.serial! : undefined
    const sent = behind === undefined ? given : at(`${behind}-${wire.length}`, given)
    wire.push(sent)
    return sent.serial!
  }
  const steerIds = (): string => JSON.stringify([`s${any(4)}`])
  for (let count = 0; count < 30; count++) {
    const step = `step${any(3)}`
    const attempt = attempts.get(step)
    const bracket = { 'step-id': step, 'step-start-serial': attempt }
    const text = { 'codec-message-id': `m${any(3)}`, 'invocation-id': 'i0', parent: 'p' }
    const happenings = [
      () => attempts.set(step, send(runMessage('ai-step-start', 'r', { 'step-id': step, 'step-client-id': 'a' }))),
      () => attempt && send(runMessage('ai-step-end', 'r', { ...bracket, 'step-reason': 'complete' })),
      () => send(output('r', { kind: 'text' }, `${count}.`, { ...text, ...(attempt && bracket) })),
      () => send(output('r', { kind: 'text' }, `${count}.`, { ...text, 'steer-codec-message-ids': steerIds() })),
      () => send(runMessage('ai-run-suspend', 'r', { 'invocation-id': `i${any(2)}` })),
      () => send(runMessage('ai-run-resume', 'r', { 'invocation-id': `i${any(2)}` })),
      () => {
        const id = `s${any(4)}`
        const transport = { role: 'user', 'run-id': 'r', 'codec-message-id': id, discrete: 'true' }
        send(message('ai-input', transport, { kind: 'user-message', messageId: id, partType: 'text' }, id))
      },
    ]
    happenings[any(happenings.length)]!()
  }
  return any(2) === 0 ? wire : [...wire, runMessage('ai-run-end', 'r', { 'run-reason': 'complete' })]
}

function stateOf(tree: ReturnType<typeof newTree>): unknown {
  const run = tree.runs.get('r')!
  const messages = Array.from(run.ids, (id) => ({ ...run.viewMessage(id), message: run.message(id) }))
  const { serial, parent, visible, regenerates } = run
  return JSON.parse(JSON.stringify({ messages, info: run.info(), serial, parent, visible, regenerates }))
}

it.each(Array.from({ length: 150 }, (_, seed) => seed))(
  'a run is the same whether its rows come one by one, in another order or all at once (seed %i)',
  (seed) => {
    const random = randomFrom(seed)
    const wire = randomRun(random)
    const atOnce = newTree()
    for (const each of wire) atOnce.apply(each)
    atOnce.settle()
    for (const order of [wire, wire.toSorted((a, b) => (a.serial! < b.serial! ? -1 : 1)), shuffled(wire, random)]) {
      const tree = newTree()
      // Each is shown at once
      for (const each of order) {
        hear(tree, [each])
        stateOf(tree)
      }
      expect(stateOf(tree)).toEqual(stateOf(atOnce))
    }
  },
)

it('a further row is read alone, and a row between others needs a fresh fold', () => {
  const tree = newTree()
  hear(tree, [runMessage('ai-run-start', 'r'), runMessage('ai-step-start', 'r', { 'step-id': 's' })])
  const [start, step] = tree.runs.get('r')!.rows as [Row, Row]
  const fold = new RunFold([step])
  expect(fold.goOn(start)).toBe(false)
  expect(new RunFold([start]).goOn(step)).toBe(true)
})

it('of a step that is tried again only the newest attempt is read again', () => {
  const tree = newTree()
  const attempt = (): ChannelMessage[] => {
    const start = runMessage('ai-step-start', 'r', { 'step-id': 's' })
    return [start, output('r', { kind: 'text' }, 'x', { 'step-id': 's', 'step-start-serial': start.serial })]
  }
  hear(tree, [runMessage('ai-run-start', 'r'), ...attempt()])
  const run = tree.runs.get('r')!
  for (let count = 0; count < 20; count++) hear(tree, attempt())
  expect(run.contentRows).toHaveLength(21)
  expect(run.contentRows.filter(({ part }) => part !== undefined)).toHaveLength(1)
  expect(run.info().steps).toMatchObject([{ attemptCount: 21, status: 'active' }])
})
