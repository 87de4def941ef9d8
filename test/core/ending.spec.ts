import { expect, it } from 'vitest'
import { hear, newTree, readTranscript } from '../support/transcripts'
import { later, output, runMessage } from './wire'

const { wire } = readTranscript('text-simple')
const isAppend = (message: { action?: string }) => message.action === 'message.append'
const whole = wire
  .filter(isAppend)
  .map(({ data }) => data as string)
  .join('')

function shown(tree: ReturnType<typeof newTree>) {
  const run = [...tree.runs.values()][0]!
  const message = run.message(run.ids[0]!)!
  return {
    status: run.info().status,
    text: message.parts.map((part) => ('text' in part ? part.text : '')).join(''),
  }
}

it('a run ends once its text is complete, although its end arrived first', () => {
  const tree = newTree()
  hear(
    tree,
    wire.filter((message) => !isAppend(message)),
  )
  expect(shown(tree)).toEqual({ status: 'active', text: '' })
  const appends = wire.filter(isAppend)
  hear(tree, appends.slice(0, -1))
  expect(shown(tree).status).toBe('active')
  for (const message of appends.slice(-1)) tree.apply(message)
  const { transitions } = tree.settle()
  expect(transitions.map(({ from, to }) => [from, to])).toEqual([['active', 'complete']])
  expect(shown(tree)).toEqual({ status: 'complete', text: whole })
})

it('a run ends even if the rest of its text is no longer awaited', () => {
  const tree = newTree()
  hear(
    tree,
    wire.filter((message) => !isAppend(message)),
  )
  expect(tree.ending.size).toBe(1)
  tree.endOverdue()
  tree.settle()
  expect(shown(tree).status).toBe('complete')
  expect(tree.ending.size).toBe(0)
})

it('a run ends at once if only a retried attempt left a stream open', () => {
  const tree = newTree()
  hear(tree, readTranscript('step-retry').wire)
  const [run] = tree.runs.values()
  expect(run!.contentRows.some((row) => row.transport.status === 'streaming')).toBe(true)
  expect(tree.ending.size).toBe(0)
  expect(run!.info().status).toBe('complete')
})

it('a run stays ended if another agent has ended it and its own agent continues its text', () => {
  const tree = newTree()
  hear(tree, wire)
  expect(shown(tree)).toEqual({ status: 'complete', text: whole })
  const append = wire.find(isAppend)!
  const end = wire.find(({ name }) => name === 'ai-run-end')!
  const { ai } = append.extras as { ai: { transport: Record<string, string> } }
  const extras = { ai: { ...ai, transport: { ...ai.transport, status: 'streaming' } } }
  const late = { ...append, data: ' and more', extras, version: { serial: `${end.serial}z`, timestamp: 0 } }
  hear(tree, [late])
  expect(shown(tree)).toEqual({ status: 'complete', text: `${whole} and more` })
  const other = newTree()
  hear(other, [late, ...wire.toReversed()])
  other.settle()
  expect(shown(other).status).toBe('complete')
})

it('a run whose rest was given up stays ended when more of it arrives, also after its rows were compacted', () => {
  const tree = newTree()
  const open = () => output('r', { kind: 'text' }, 'Once', { stream: 'true', status: 'streaming' })
  const [first, late] = [open(), open()]
  hear(tree, [runMessage('ai-run-start', 'r'), first, runMessage('ai-run-end', 'r', { 'run-reason': 'complete' })])
  tree.endOverdue()
  hear(tree, [later(first, 'message.append', { transport: { status: 'complete' } })])
  const run = tree.runs.get('r')!
  tree.compact([run])
  tree.apply(late)
  expect(tree.settle().transitions).toEqual([])
  expect(run.info().status).toBe('complete')
})
