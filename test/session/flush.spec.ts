import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { FlushScheduler } from '../../src/session/scheduling'

/** A page whose frames and visibility the test controls. */
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

it('flushes all changes once, with the next frame', () => {
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

it('flushes at once when asked to, and not again with the frame', () => {
  const flush = vi.fn<() => void>()
  const scheduler = new FlushScheduler('frame', flush)
  scheduler.request()
  scheduler.now()
  page.frame()
  expect(flush).toHaveBeenCalledTimes(1)
})

it('flushes when the page goes hidden, and at once while it is', () => {
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

it('flushes at once in sync mode, and where there are no frames', () => {
  const flush = vi.fn<() => void>()
  new FlushScheduler('sync', flush).request()
  expect(flush).toHaveBeenCalledTimes(1)
  vi.unstubAllGlobals()
  new FlushScheduler('frame', flush).request()
  expect(flush).toHaveBeenCalledTimes(2)
})

it('drops all changes when cancelled', () => {
  const flush = vi.fn<() => void>()
  const scheduler = new FlushScheduler('frame', flush)
  scheduler.request()
  scheduler.cancel()
  page.frame()
  page.hide()
  expect(flush).not.toHaveBeenCalled()
})

it('flushes by itself when a page that counts as visible gets no frames', () => {
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
