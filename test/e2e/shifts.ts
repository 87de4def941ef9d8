import type { Page } from 'playwright'

interface Shift extends PerformanceEntry {
  value: number
  hadRecentInput: boolean
  sources: { node: Node | null; previousRect: DOMRect; currentRect: DOMRect }[]
}

export interface Shifts {
  total: number
  /** The elements that moved, and how far. */
  moved: string[]
}

interface Recorded extends Shifts {
  /** The times in which shifts come from an action of the user, in ms; the last one may have no end yet. */
  answers: { from: number; to: number }[]
}

/** Starts recording the layout shifts of a page, after the ones of what it has to show by now. */
export async function watchShifts(page: Page): Promise<void> {
  await nextFrame(page)
  await page.evaluate(record)
}

/** Loads the page again and records its layout shifts from the first paint. */
export async function reloadAndWatchShifts(page: Page): Promise<void> {
  await page.addInitScript(record)
  await page.reload()
}

/** The shifts since the start. */
export const shiftsOf = (page: Page): Promise<Shifts> =>
  page.evaluate(() => (window as unknown as { shifts: Shifts }).shifts)

/**
 * Shifts that an action of the user causes do not count until the page has answered it. A browser gives an answer half a
 * second, which is too short for a busy machine.
 */
export async function answering<T>(page: Page, act: () => Promise<T>): Promise<T> {
  await page.evaluate(() => {
    const { answers } = (window as unknown as { shifts: Recorded }).shifts
    answers.push({ from: performance.now(), to: Infinity })
  })
  const done = await act()
  await nextFrame(page)
  await page.evaluate(() => {
    const { answers } = (window as unknown as { shifts: Recorded }).shifts
    answers.at(-1)!.to = performance.now()
  })
  return done
}

/** Waits until a frame shows what the page has now. */
export const nextFrame = (page: Page): Promise<void> =>
  page.evaluate(async () => {
    for (let frame = 0; frame < 2; frame++) await new Promise(requestAnimationFrame)
  })

function record(): void {
  const shifts: Recorded = { total: 0, moved: [], answers: [] }
  Object.assign(window, { shifts })
  const nameOf = (node: Node | null) => (node instanceof Element ? node : node?.parentElement)?.outerHTML.slice(0, 60)
  new PerformanceObserver((list) => {
    for (const { value, hadRecentInput, sources, startTime } of list.getEntries() as Shift[]) {
      if (hadRecentInput || shifts.answers.some(({ from, to }) => from <= startTime && startTime <= to)) continue
      shifts.total += value
      for (const { node, previousRect, currentRect } of sources) {
        const from = `${previousRect.x.toFixed()},${previousRect.y.toFixed()}`
        shifts.moved.push(
          `${value.toFixed(4)} ${nameOf(node)} ${from} -> ${currentRect.x.toFixed()},${currentRect.y.toFixed()}`,
        )
      }
    }
  }).observe({ type: 'layout-shift' })
}
