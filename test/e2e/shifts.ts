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

/** Starts recording the layout shifts of a page. */
export const watchShifts = (page: Page): Promise<void> => page.evaluate(record)

/** Loads the page again and records its layout shifts from the first paint. */
export async function reloadAndWatchShifts(page: Page): Promise<void> {
  await page.addInitScript(record)
  await page.reload()
}

/** The shifts since the start. */
export const shiftsOf = (page: Page): Promise<Shifts> =>
  page.evaluate(() => (window as unknown as { shifts: Shifts }).shifts)

function record(): void {
  const shifts: Shifts = { total: 0, moved: [] }
  Object.assign(window, { shifts })
  const nameOf = (node: Node | null) => (node instanceof Element ? node : node?.parentElement)?.outerHTML.slice(0, 60)
  new PerformanceObserver((list) => {
    for (const { value, hadRecentInput, sources } of list.getEntries() as Shift[]) {
      if (hadRecentInput) continue
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
