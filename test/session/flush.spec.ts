import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { FlushScheduler } from '../../src/session/scheduling'

/** A page whose animation frames and visibility the test controls. */
class Page extends EventTarget {
  visibilityState = 'visible'
  frames = new Map<number, () => void>()

  frame(): void {
    const due = [...this.frames.values()]
    this.frames.clear()
    for (const run of due) run()
  }

  hide(): void {
    this.visibilityState = 'hidden'
    this.dispatchEvent(new Event('visibilitychange'))
  }
}

let page: Page

beforeEach(() => {
  page = new Page()
  let next = 0
  vi.stubGlobal('document', page)
  vi.stubGlobal('requestAnimationFrame', (run: () => void) => {
    page.frames.set(++next, run)
    return next
  })
  vi.stubGlobal('cancelAnimationFrame', (frame: number) => page.frames.delete(frame))
})
afterEach(() => void vi.unstubAllGlobals())

it('changes are flushed together, in the next frame', () => {
  const flush = vi.fn<() => void>()
  const scheduler = new FlushScheduler('frame', flush)
  for (let token = 0; token < 100; token++) scheduler.request()
  expect(flush).not.toHaveBeenCalled()
  page.frame()
  expect(flush).toHaveBeenCalledTimes(1)
  scheduler.request()
  page.frame()
  expect(flush).toHaveBeenCalledTimes(2)
})

it('flush() flushes at once, and the frame does not flush again', () => {
  const flush = vi.fn<() => void>()
  const scheduler = new FlushScheduler('frame', flush)
  scheduler.request()
  scheduler.now()
  page.frame()
  expect(flush).toHaveBeenCalledTimes(1)
})

it('changes are flushed when the page becomes hidden, and at once while it is hidden', () => {
  const flush = vi.fn<() => void>()
  const scheduler = new FlushScheduler('frame', flush)
  scheduler.request()
  page.hide()
  expect(flush).toHaveBeenCalledTimes(1)
  scheduler.request()
  expect(flush).toHaveBeenCalledTimes(2)
  page.hide()
  expect(flush).toHaveBeenCalledTimes(2)
})

it('changes are flushed at once in sync mode, and where there are no frames', () => {
  const flush = vi.fn<() => void>()
  new FlushScheduler('sync', flush).request()
  expect(flush).toHaveBeenCalledTimes(1)
  vi.unstubAllGlobals()
  new FlushScheduler('frame', flush).request()
  expect(flush).toHaveBeenCalledTimes(2)
})

it('cancelling drops all changes', () => {
  const flush = vi.fn<() => void>()
  const scheduler = new FlushScheduler('frame', flush)
  scheduler.request()
  scheduler.cancel()
  page.frame()
  page.hide()
  expect(flush).not.toHaveBeenCalled()
})

it('changes are flushed by a timer if a visible page gets no frames', () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const flush = vi.fn<() => void>()
  const scheduler = new FlushScheduler('frame', flush)
  scheduler.request()
  vi.advanceTimersByTime(249)
  expect(flush).not.toHaveBeenCalled()
  vi.advanceTimersByTime(1)
  expect(flush).toHaveBeenCalledTimes(1)
  page.frame()
  expect(flush).toHaveBeenCalledTimes(1)
  vi.useRealTimers()
})
