import { expect, it, onTestFinished, vi } from 'vitest'
import { IdleWork, inSlices } from '../../src/session/scheduling'
import { Listener } from '../support/listener'
import { historyOf } from '../support/channel-table'
import { output, prompt, runMessage } from '../core/wire'

const wait = (time: number): void => {
  for (const end = performance.now() + time; performance.now() < end;);
}

it('long work lets other tasks run between its steps', async () => {
  let turns = 0
  const count = setInterval(() => turns++)
  let steps = 0
  await inSlices(() => {
    wait(3)
    return ++steps < 12
  })
  clearInterval(count)
  expect(steps).toBe(12)
  expect(turns).toBeGreaterThan(1)
})

it('idle work begins when no item is added any more or when it is told to, and surplus items do not wait', async () => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  const done: number[] = []
  const work = new IdleWork<number>((item) => done.push(item), 3)
  work.add([1, 2, 3, 4])
  expect(done).toEqual([4])
  await vi.runAllTimersAsync()
  expect(done).toEqual([4, 1, 2, 3])
  work.add([5])
  work.begin()
  expect(done).toEqual([4, 1, 2, 3])
  await vi.advanceTimersByTimeAsync(2)
  expect(done).toEqual([4, 1, 2, 3, 5])
})

it('a session shows a long history completely, with live messages that arrive while it is processed', async () => {
  const turns = Array.from({ length: 1500 }, (_, turn) => {
    const parent = turn > 0 ? `m${turn - 1}` : undefined
    const start = runMessage('ai-run-start', `r${turn}`, { parent: `p${turn}` })
    const text = output(`r${turn}`, { kind: 'text' }, 'Hi', { 'codec-message-id': `m${turn}`, parent: `p${turn}` })
    return [prompt(`p${turn}`, { parent }), start, text]
  })
  const live = prompt('live', { parent: 'm1499' })
  const listener = await Listener.on(historyOf(turns.flat()))
  const loading = listener.view.loadOlder(3000)
  const hearing = new Promise<void>((resolve) => {
    setTimeout(() => {
      listener.hear([live])
      resolve()
    }, 5)
  })
  expect(await loading).toHaveLength(3000)
  await hearing
  const ids = listener.view.getMessages().map(({ id }) => id)
  expect(ids).toEqual([...turns.flatMap((_, turn) => [`p${turn}`, `m${turn}`]), 'live'])
})
