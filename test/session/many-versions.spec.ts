import { expect, it, vi } from 'vitest'
import { Branches } from '../../src/session/branches'
import { output, prompt, runMessage } from '../core/wire'
import { hear, newTree } from '../support/transcripts'

/** A prompt with `count` versions, and a reply to each. */
function versions(count: number) {
  const tree = newTree()
  for (let index = 0; index < count; index++) {
    const [p, r] = [`p${index}`, `r${index}`]
    const start = runMessage('ai-run-start', r, { parent: p, 'input-codec-message-id': p })
    const fork = index > 0 ? { 'fork-of': 'p0' } : {}
    hear(tree, [prompt(p, fork), start, output(r, { kind: 'text' }, 'Hi', { 'codec-message-id': `m${index}` })])
  }
  const branches = new Branches(tree)
  return { tree, branches, of: (id: string) => branches.of(id, () => {}) }
}

it('all versions of a message share one branch object until the structure changes', () => {
  const { tree, of } = versions(300)
  const children = vi.spyOn(tree, 'children')
  const branch = of('p0')
  expect(branch.siblings).toHaveLength(300)
  const calls = children.mock.calls.length
  const asked = Array.from({ length: 300 }, (_, index) => of(`p${index}`))
  expect(new Set(asked)).toEqual(new Set([branch]))
  expect(children.mock.calls.length - calls).toBeLessThanOrEqual(600)
  hear(tree, [prompt('p300', { 'fork-of': 'p7' })])
  expect(of('p0').siblings).toHaveLength(301)
})

it('the branch object is new after another version was selected', () => {
  const { of } = versions(3)
  expect(of('p0').index).toBe(2)
  of('p0').select(1)
  expect(of('p0').index).toBe(1)
  of('p2').select(2)
  expect(of('p0').index).toBe(2)
})
