import { stepsOf } from '../support/steps'
import { expect, it } from 'vitest'
import { Siblings } from '../../src/core/siblings'
import { BranchWalk } from '../../src/core/branch'
import { hear, newTree } from '../support/transcripts'
import { output, prompt, runMessage } from './wire'

const count = 5000
const none = { picked: new Map<string, number>() }

it('a branch walks thousands of edits of edits in a bounded number of steps per edit', () => {
  const tree = newTree()
  for (let index = 0; index < count; index++)
    tree.apply(prompt(`p${index}`, index > 0 ? { 'fork-of': `p${index - 1}` } : {}))
  tree.settle()
  expect(new BranchWalk(tree, none).path.map(({ node }) => node.key)).toEqual([`p${count - 1}`])
  expect(stepsOf(() => new BranchWalk(tree, none).path) / count).toBeLessThan(200)
})

it('a branch walks thousands of edits of one prompt in a bounded number of steps per edit', () => {
  const tree = newTree()
  for (let index = 0; index < count; index++) tree.apply(prompt(`p${index}`, index > 0 ? { 'fork-of': 'p0' } : {}))
  tree.settle()
  const picked = new Map([
    ['p7', 1],
    ['p8', 2],
  ])
  expect(new BranchWalk(tree, { picked }).path.map(({ node }) => node.key)).toEqual(['p8'])
  expect(stepsOf(() => new BranchWalk(tree, none).path) / count).toBeLessThan(200)
})

it('the tree keeps thousands of replies that sort before their prompt until the prompt is placed', () => {
  const tree = newTree()
  const prompts = Array.from({ length: count }, (_, index) => prompt(`p${index}`, { parent: 'late' }))
  hear(tree, [prompt('first')])
  for (const each of [...prompts, prompt('late')]) tree.apply(each)
  tree.settle()
  expect(new BranchWalk(tree, none).path).toHaveLength(count + 2)
  expect(stepsOf(() => new BranchWalk(tree, none).path) / count).toBeLessThan(200)
})

it.each([
  ['a circle of edits', ['b', 'a'], [['a', 'b']]],
  ['a circle of edits with further edits behind it', ['b', 'c', 'b', 'a', 'd'], [['a', 'b', 'c', 'd', 'e']]],
  ['a prompt that replaces itself', ['a', 'a'], [['a', 'b']]],
  ['two chains of edits', [undefined, 'a', undefined, 'c', 'b'], [['a', 'b', 'e'], ['c', 'd']]], // prettier-ignore
  ['a chain of edits whose first prompt is unknown', ['gone', 'a', 'b'], [['a', 'b', 'c']]],
])('the tree groups the versions of %s by the prompt they started with', (_, forkOf, groups) => {
  const tree = newTree()
  const keys = ['a', 'b', 'c', 'd', 'e'].slice(0, forkOf.length)
  hear(
    tree,
    keys.map((key, index) => prompt(key, forkOf[index] === undefined ? {} : { 'fork-of': forkOf[index] })),
  )
  for (const first of keys) {
    const alternatives = new Siblings(tree)
    alternatives.of(tree.inputs.get(first)!)
    for (const key of keys) {
      const members = alternatives.of(tree.inputs.get(key)!).map((node) => node.key)
      expect(groups).toContainEqual(members)
      expect(members).toContain(key)
    }
  }
})

it('a step has the number of its attempts and the state of the latest one', () => {
  const tree = newTree()
  const step = (name: string, more = {}) => runMessage(name, 'r', { 'step-id': 's', 'step-client-id': 'me', ...more })
  const attempts = [step('ai-step-start'), step('ai-step-start')]
  hear(tree, [...attempts, step('ai-step-end', { 'step-start-serial': attempts[0]!.serial, 'step-reason': 'failed' })])
  const steps = () => tree.runs.get('r')!.info().steps
  expect(steps()).toEqual([{ stepId: 's', status: 'active', attemptCount: 2, stepClientId: 'me' }])
  hear(tree, [step('ai-step-end', { 'step-start-serial': attempts[1]!.serial })])
  expect(steps()).toMatchObject([{ status: 'complete', attemptCount: 2 }])
})

it('the tree reads a run of thousands of attempts in a bounded number of steps per attempt', () => {
  const tree = newTree()
  for (let index = 0; index < count; index++) {
    tree.apply(runMessage('ai-step-start', 'r', { 'step-id': 's' }))
    tree.apply(runMessage('ai-step-end', 'r', { 'step-id': 's' }))
  }
  expect(stepsOf(() => tree.settle()) / count).toBeLessThan(200)
  expect(tree.runs.get('r')!.info().steps).toMatchObject([{ attemptCount: count }])
})

it('the tree reads thousands of cancels of one prompt in a bounded number of steps per cancel, in any order', () => {
  const tree = newTree()
  tree.apply(prompt('p'))
  const cancels = Array.from({ length: count }, (_, index) => runMessage('ai-cancel', undefined, { 'input-codec-message-id': 'p', 'event-id': `e${index}` })) // prettier-ignore
  const steps = stepsOf(() => cancels.toReversed().forEach((cancel) => tree.apply(cancel)))
  expect(steps / count).toBeLessThan(200)
  const serials = tree.cancels.naming('p').map(({ serial }) => serial)
  expect(serials).toEqual([...cancels.slice(0, 10), cancels.at(-1)!].map(({ serial }) => serial))
})

it('a branch walks 2,000 runs, with 300 versions of one reply, in a bounded number of steps per run', () => {
  const tree = newTree()
  const reply = (run: string, parent: string, more = {}) => {
    tree.apply(runMessage('ai-run-start', run, { 'invocation-id': 'i', parent, ...more }))
    tree.apply(output(run, { kind: 'text' }, 'Yes', { 'codec-message-id': `m-${run}` }))
  }
  for (let index = 0; index < 2000; index++) {
    tree.apply(prompt(`p${index}`, index > 0 ? { parent: `m-r${index - 1}` } : {}))
    reply(`r${index}`, `p${index}`)
  }
  for (let index = 0; index < 300; index++) reply(`again-${index}`, 'p1999', { 'msg-regenerate': 'm-r1999' })
  tree.settle()
  expect(new BranchWalk(tree, none).path).toHaveLength(4000)
  expect(stepsOf(() => new BranchWalk(tree, none).path) / 4600).toBeLessThan(200)
})

it('a branch takes in several pages of history between two looks in a bounded number of steps per node', () => {
  const tree = newTree()
  const walk = new BranchWalk(tree, none)
  const pages = Array.from({ length: 200 }, (_, page) =>
    Array.from({ length: 10 }, (_, index) => page * 10 + index).map((at) =>
      prompt(`p${at}`, at > 0 ? { parent: `p${at - 1}` } : {}),
    ),
  )
  const steps = stepsOf(() => {
    for (const [index, page] of pages.toReversed().entries()) {
      for (const message of page) tree.apply(message)
      walk.note(tree.settle().moved)
      if (index % 2 === 1) walk.advance()
    }
  })
  expect(walk.path.map(({ node }) => node.key)).toEqual(Array.from({ length: 2000 }, (_, at) => `p${at}`))
  expect(steps / 2000).toBeLessThan(600)
})

it('a prompt that arrives after replies to it lets the newest reply show, also where the prompt was picked', () => {
  const tree = newTree()
  const choices = { picked: new Map([['q', 1]]) }
  const walk = new BranchWalk(tree, choices)
  const hearOne = (...message: Parameters<typeof runMessage>) => {
    tree.apply(runMessage(...message))
    walk.follow(tree.settle().moved)
  }
  hearOne('ai-run-start', 'first', { parent: 'p', 'input-codec-message-id': 'q' })
  hearOne('ai-run-start', 'newest', { parent: 'p', 'input-codec-message-id': 'other' })
  const shown = () => walk.path.map(({ node }) => node.key)
  expect(shown()).toEqual(['first'])
  tree.apply(prompt('q'))
  walk.follow(tree.settle().moved)
  expect(shown()).toEqual(['newest', 'q'])
  expect(shown()).toEqual(new BranchWalk(tree, choices).path.map(({ node }) => node.key))
})
