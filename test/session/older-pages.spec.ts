import * as fc from 'fast-check'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { View } from '../../src/session/view'
import type { UIMessage } from 'ai'
import { output, prompt, runMessage } from '../core/wire'
import { historyOf } from '../support/channel-table'
import { eventually } from '../support/eventually'
import { Listener } from '../support/listener'
import { RandomConversation, type Happening } from '../support/random-conversation'

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'], now: 0 }))
afterEach(() => void vi.useRealTimers())

const happening = fc.tuple(fc.nat(RandomConversation.kinds - 1), fc.nat(99), fc.nat(99)) as fc.Arbitrary<Happening>
const happenings = fc.array(happening, { minLength: 20, maxLength: 120, size: 'max' })

/** Two prompts with several rows, of which the second sorts before the one that it follows; both move with one page. */
const crossing: Happening[] = [
  ...([[0, 0, 0], [6, 0, 0], [14, 0, 0], [14, 0, 0], [0, 0, 0], [0, 0, 61], [0, 58, 20]] as const), // prettier-ignore
  ...Array.from({ length: 10 }, (): Happening => [0, 0, 0]),
  [25, 0, 0],
  [0, 0, 0],
  [41, 0, 0],
  ...Array.from({ length: 5 }, (): Happening => [0, 0, 0]),
  [35, 0, 0],
  [0, 0, 0],
]

/** The lists of a view, but for how far back it reaches. */
function listsOf(view: View<UIMessage>): { ids: string[]; others: unknown } {
  const ids = view.getMessages().map(({ id }) => id)
  const others = [view.runs(), view.pending(), view.isRunning]
  return { ids, others: JSON.parse(JSON.stringify(others)) }
}

it('a view that loads older messages step by step shows what a new view shows', async () => {
  const step = fc.record({ pageSize: fc.integer({ min: 1, max: 8 }), count: fc.integer({ min: 1, max: 5 }) })
  await fc.assert(
    fc.asyncProperty(happenings, step, async (given, { pageSize, count }) => {
      const conversation = new RandomConversation()
      for (const each of given) conversation.happen(each)
      vi.setSystemTime(0)
      const { session, view } = await Listener.on(historyOf(conversation.wire), pageSize)
      while (view.hasOlder()) {
        const older = await view.loadOlder(count)
        expect(older.every((message, index) => message === view.getMessages()[index])).toBe(true)
        const newcomer = session.createView()
        const [own, all] = [listsOf(view), listsOf(newcomer)]
        expect(own.ids).toEqual(all.ids.slice(all.ids.length - own.ids.length))
        expect(own.others).toEqual(all.others)
        newcomer.close()
      }
    }),
    { numRuns: 120, examples: [[crossing, { pageSize: 1, count: 1 }]] },
  )
})

it('the rows of a reply that has ended are packed once nothing more comes, those of a pending prompt are not', async () => {
  const reply = [
    prompt('p'),
    runMessage('ai-run-start', 'r', { parent: 'p', 'input-codec-message-id': 'p' }),
    output('r', { kind: 'text' }, 'Hi', { 'codec-message-id': 'm', parent: 'p' }),
    runMessage('ai-run-end', 'r', { 'run-reason': 'complete' }),
  ]
  const waiting = prompt('q', { parent: 'm' })
  const { session, view } = await Listener.on(historyOf([...reply, waiting]))
  await view.loadOlder()
  const { log } = session.internals.tree
  const before = new Set(log.rows())
  expect([...log.rows()].filter((row) => before.has(row))).toHaveLength(5)
  vi.advanceTimersByTime(1000)
  // Rows that are packed are made anew each time
  await eventually(() =>
    expect([...log.rows()].filter((row) => before.has(row))).toMatchObject([{ serial: waiting.serial }]),
  )
  expect([...log.rows()]).toHaveLength(5)
})

it('a list that nobody has read for a while is read in the middle of a load: it has no message of that load', async () => {
  const start = [prompt('p'), runMessage('ai-run-start', 'r', { parent: 'p', 'input-codec-message-id': 'p' })]
  const reply = Array.from({ length: 40 }, (_, at) =>
    output('r', { kind: 'text' }, `t${at}`, { 'codec-message-id': `m${at}`, parent: at > 0 ? `m${at - 1}` : 'p' }),
  )
  const end = runMessage('ai-run-end', 'r', { 'run-reason': 'complete' })
  const { view, session } = await Listener.on(historyOf([...start, ...reply, end]), 5)
  await view.loadOlder(3)
  const { catchUp } = session.internals
  const loadPage = catchUp.loadPage.bind(catchUp)
  const shown: number[] = []
  let pages = 0
  vi.spyOn(catchUp, 'loadPage').mockImplementation(async (reader) => {
    const hasRead = await loadPage(reader)
    // NOTE: once, since a list that is read is made anew
    if (++pages === 6) {
      await new Promise(setImmediate)
      shown.push(view.getMessages().length)
    }
    return hasRead
  })
  const older = await view.loadUntil(({ id }) => id === 'm2')
  expect(shown).toEqual([3])
  expect(older.map(({ id }) => id)).toEqual(Array.from({ length: 34 }, (_, at) => `m${at + 3}`))
})
