import * as fc from 'fast-check'
import { expect, it, vi } from 'vitest'
import type { Row } from '../../src/core/rows'
import { RowForms, rowsOf } from '../../src/core/compact-rows'
import { RunNode } from '../../src/core/run-node'
import { hear, newTree } from '../support/transcripts'
import { later, output, prompt, runMessage } from './wire'

const text = fc.oneof(fc.constantFrom('a', 'text', 'id-of-a-prompt', 'id-of-another-run'), fc.string({ maxLength: 20 }))
const headers = fc.dictionary(fc.oneof(text, fc.constant('__proto__')), text, { maxKeys: 5 })
const home = { key: 'node' }

const rows: fc.Arbitrary<Row[]> = fc
  .array(
    fc.record({
      version: fc.option(
        text.filter((each) => !/[ ,]/.test(each)),
        { nil: undefined },
      ),
      name: fc.constantFrom('ai-input', 'ai-output', 'ai-run-end'),
      transport: headers,
      codec: headers,
      data: fc.oneof(text, fc.constantFrom(undefined, null, 7)),
      clientId: fc.option(text, { nil: undefined }),
      timestamp: fc.nat(),
      ending: fc.constantFrom('', '0', '-1', '@a:000', '@b:000', '-11@a:000', '-1serial-0', '\u{1f600}\u{1f601}'),
    }),
    { minLength: 1, maxLength: 4 },
  )
  .map((given) =>
    given.map(({ version, ending, ...row }, index) => {
      const serial = `serial-${index}${ending}`
      return { serial, ...row, version: version ?? serial, partial: false, deleted: false, home }
    }),
  )

const log = { expand() {} }

it('rows are compacted at a cost that grows with their number, not with its square', () => {
  const serialsRead = (count: number): number => {
    let reads = 0
    const row = (index: number): Row => ({
      get serial() {
        reads++
        return `serial-${index}`
      },
      version: `serial-${index}`,
      name: 'ai-input',
      transport: { 'codec-message-id': `id-of-prompt-${index}` },
      codec: {},
      data: `text ${index}`,
      clientId: 'ann',
      timestamp: index,
      partial: false,
      deleted: false,
      home,
    })
    new RowForms().compact(
      Array.from({ length: count }, (_, index) => row(index)),
      home,
      log,
    )
    return reads
  }
  expect(serialsRead(200)).toBeLessThanOrEqual(serialsRead(100) * 2)
})

it('rows of settled nodes come back as they were', () => {
  fc.assert(
    fc.property(fc.array(rows, { maxLength: 8 }), (nodes) => {
      const forms = new RowForms()
      const settled = [...nodes, ...nodes].map((each) => forms.compact(each, home, log))
      expect(settled.map(rowsOf)).toEqual([...nodes, ...nodes])
    }),
  )
})

it('nodes that differ in ids and data share one form', () => {
  const forms = new RowForms()
  const row = (serial: string, id: string): Row[] => [
    {
      serial,
      version: serial,
      name: 'ai-input',
      transport: { role: 'user', 'codec-message-id': id, parent: `parent-of-${id}` },
      codec: { kind: 'user-message', messageId: id },
      data: id,
      clientId: 'ann',
      timestamp: 1,
      partial: false,
      deleted: false,
      home,
    },
  ]
  const [one, other] = ['id-of-a-prompt', 'id-of-another'].map((id) => forms.compact(row('1', id), home, log))
  expect(one!.form).toBe(other!.form)
})

const reply = () => {
  const tree = newTree()
  const [start, said, end] = [
    runMessage('ai-run-start', 'r', { 'input-codec-message-id': 'p', parent: 'p', 'input-client-id': 'ann' }),
    output('r', { kind: 'text', id: '0' }, 'Rome'),
    runMessage('ai-run-end', 'r', { 'run-reason': 'complete' }),
  ]
  hear(tree, [prompt('p'), start, said, end])
  const nodes = [...tree.inputs.values(), ...tree.runs.values()]
  const before = [...tree.log.rows()].map(({ part: _, ...row }) => row)
  tree.compact(nodes)
  return { tree, run: tree.runs.get('r')!, said, before, nodes }
}

it('a compact tree shows, and gives away, what it did before', () => {
  const { tree, run, before } = reply()
  expect(run.owner).toBe('ann')
  expect(run.info()).toMatchObject({ status: 'complete', inputId: 'p' })
  expect([...tree.log.rows()]).toEqual(
    expect.arrayContaining(before.map((row) => expect.objectContaining(row) as object)),
  )
  expect([...tree.log.rows()]).toHaveLength(before.length)
})

it('rows of runs that were written side by side are known by their serials', () => {
  const tree = newTree()
  const runs = ['a', 'b', 'c'].map((id) => [
    runMessage('ai-run-start', id),
    output(id, { kind: 'text', id: '0' }, id, { 'codec-message-id': `of-${id}` }),
  ])
  const unheard = output('a', { kind: 'text', id: '1' }, 'more', { 'codec-message-id': 'of-a' })
  const ends = ['b', 'a', 'c'].map((id) => runMessage('ai-run-end', id))
  const wire = [...runs.flat(), ...ends]
  hear(tree, wire)
  tree.compact([...tree.runs.values()])
  for (const message of wire) expect(tree.apply(message)).toBeUndefined()
  expect(wire.every(({ serial }) => tree.log.has(serial!))).toBe(true)
  expect(tree.log.has(unheard.serial!)).toBe(false)
  hear(tree, [unheard])
  expect(tree.runs.get('a')!.message('of-a')!.parts).toMatchObject([
    { type: 'step-start' },
    { text: 'a' },
    { text: 'more' },
  ])
  expect([...tree.log.rows()]).toHaveLength(wire.length + 1)
})

it('the rows of a long compact reply are not made to hear that one of them is known', () => {
  const tree = newTree()
  const said = Array.from({ length: 30 }, (_, id) => output('r', { kind: 'text', id: `${id}` }, `text ${id}`))
  const edited = said.map((each, index) => (index % 3 === 0 ? later(each, 'message.update', { data: 'new' }) : each))
  const wire = [runMessage('ai-run-start', 'r'), ...edited, runMessage('ai-run-end', 'r')]
  hear(tree, [...said, ...wire])
  tree.compact([...tree.runs.values()])
  const made = vi.spyOn(Object, 'fromEntries')
  for (const message of [...said, ...wire]) expect(tree.apply(message)).toBeUndefined()
  expect(made).not.toHaveBeenCalled()
  made.mockRestore()
  hear(tree, [later(said[0]!, 'message.update', { data: 'newer' })])
  expect(JSON.stringify(tree.runs.get('r')!.message('m'))).toContain('newer')
})

it('a compact reply follows a later version of one of its rows, and no older one', () => {
  const { tree, run, said } = reply()
  const { message } = run.viewMessage('m')!
  expect(tree.apply(said)).toBeUndefined()
  hear(tree, [later(said, 'message.update', { data: 'Oslo' })])
  expect(run.viewMessage('m')!.message).toBe(message)
  expect(message.parts.at(-1)).toMatchObject({ text: 'Oslo' })
})

it('a compact reply folds a row that joins it in its place', () => {
  const { tree, run, nodes } = reply()
  hear(tree, [output('r', { kind: 'text', id: '1' }, 'Lima')])
  expect(run.message('m')!.parts).toMatchObject([{ type: 'step-start' }, { text: 'Rome' }, { text: 'Lima' }])
  tree.compact(nodes)
  hear(tree, [runMessage('ai-cancel', 'r')])
  expect(run.info()).toMatchObject({ status: 'complete' })
})

it('the snapshot of a run whose rows are compact is read without them', () => {
  const tree = newTree()
  hear(tree, [prompt('p'), runMessage('ai-run-start', 'r', { 'input-codec-message-id': 'p' })])
  hear(tree, [output('r', { kind: 'text' }, 'Hi'), runMessage('ai-run-end', 'r', { 'run-reason': 'complete' })])
  const run = tree.runs.get('r')!
  tree.compact([run])
  const reads = vi.spyOn(RunNode.prototype, 'fold', 'get')
  expect(run.info()).toMatchObject({ runId: 'r', status: 'complete', inputId: 'p' })
  expect(reads).not.toHaveBeenCalled()
})
