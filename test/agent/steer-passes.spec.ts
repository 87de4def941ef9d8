import { expect, it, vi } from 'vitest'
import type { LiveRun } from '../../src/agent/live-run'
import { SteerPasses } from '../../src/agent/steer-passes'
import { RunFold } from '../../src/core/run-fold'
import { RunNode } from '../../src/core/run-node'
import { output, prompt, runMessage } from '../core/wire'
import { hear, newTree } from '../support/transcripts'

const steer = (id: string) => prompt(id, { 'run-id': 'r', 'event-id': `event-${id}`, discrete: 'true' })

it('a heard steer reads no other row of its run, and 300 of them reach one pass in order', async () => {
  const tree = newTree()
  const asked = prompt('p', { 'event-id': 'e' })
  hear(tree, [asked, runMessage('ai-run-start', 'r', { 'input-codec-message-id': 'p' })])
  hear(tree, [output('r', { kind: 'start' }, '')])
  const trigger = tree.log.get(asked.serial!)!
  const run = { runId: 'r', hooks: {}, target: { trigger }, channel: { tree } } as unknown as LiveRun<object, unknown>
  const steers = new SteerPasses(run)
  await steers.review()
  steers.beginPass()
  const readContent = vi.spyOn(RunNode.prototype, 'contentRows', 'get')
  const folded = vi.spyOn(RunFold.prototype, 'goOn')
  const ids = Array.from({ length: 300 }, (_, index) => `s${index}`)
  for (const id of ids) {
    const heard = steer(id)
    tree.apply(heard)
    await steers.review(tree.log.get(heard.serial!))
  }
  expect(readContent).not.toHaveBeenCalled()
  expect(folded).toHaveBeenCalledTimes(ids.length)
  expect(steers.hasInput()).toBe(true)
  expect(steers.take()).toEqual(ids)
  expect(steers.hasInput()).toBe(false)
})
