import { describe, expect, it } from 'vitest'
import { groupIntoBlocks } from '../../src/composables/blocks'
import type { ViewMessage } from '../../src'

const pool = Array.from({ length: 400 }, (_, index): ViewMessage<object> => ({
  id: `m${index}`,
  message: {},
  state: 'sent',
}))
const messages = (from: number, to: number) => pool.slice(from, to)
const all = (blocks: ReturnType<typeof groupIntoBlocks>) => blocks.flatMap((block) => block.messages)

describe('blocks of messages', () => {
  it('contain about 50 messages each, and all of them in order', () => {
    const blocks = groupIntoBlocks(messages(0, 120), [])
    expect(blocks.map((block) => block.messages.length)).toEqual([50, 50, 20])
    expect(all(blocks)).toEqual(messages(0, 120))
  })

  it('stay the same objects when messages are added at the end, except for the last block', () => {
    const before = groupIntoBlocks(messages(100, 220), [])
    const after = groupIntoBlocks(messages(100, 260), before)
    expect(after.slice(0, 2)).toEqual(before.slice(0, 2))
    expect(after[0]).toBe(before[0])
    expect(after[1]).toBe(before[1])
    expect(after.map((block) => block.messages.length)).toEqual([50, 50, 50, 10])
    expect(after[2]!.id).toBe(before[2]!.id)
    expect(all(after)).toEqual(messages(100, 260))
  })

  it('stay the same objects when older messages are added before them', () => {
    const before = groupIntoBlocks(messages(100, 220), [])
    const after = groupIntoBlocks(messages(70, 220), before)
    expect(after.slice(-3).every((block, index) => block === before[index])).toBe(true)
    expect(all(after)).toEqual(messages(70, 220))
  })

  it('contain the remaining messages when some are removed, and are new on another branch', () => {
    const before = groupIntoBlocks(messages(0, 120), [])
    expect(all(groupIntoBlocks(messages(0, 60), before))).toEqual(messages(0, 60))
    expect(all(groupIntoBlocks(messages(200, 330), before))).toEqual(messages(200, 330))
    expect(groupIntoBlocks([], before)).toEqual([])
    const gap = [...messages(0, 10), ...messages(12, 120)]
    expect(all(groupIntoBlocks(gap, before))).toEqual(gap)
  })
})
