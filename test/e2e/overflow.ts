import type { Page } from 'playwright'

/** Names the elements that end right of the window, or of a parent that cuts them off, and do not scroll by themselves. */
export const overflowOf = (page: Page): Promise<string[]> =>
  page.evaluate(() => {
    const rightOf = (element: Element): number => element.getBoundingClientRect().right
    /** How far to the right an element can reach and still be seen, also by scrolling. */
    const limitOf = ({ parentElement }: Element): number => {
      if (!parentElement) return innerWidth
      const limit = limitOf(parentElement)
      const { overflowX } = getComputedStyle(parentElement)
      if (overflowX === 'clip') return Math.min(limit, rightOf(parentElement))
      return overflowX !== 'visible' && rightOf(parentElement) <= limit + 0.5 ? Infinity : limit
    }
    const isWide = (element: Element): boolean => rightOf(element) > limitOf(element) + 0.5
    const wide = [...document.querySelectorAll('body *')].filter(isWide)
    const page = document.documentElement.scrollWidth > innerWidth ? ['the page'] : []
    const main = document.querySelector('main')!
    if (main.scrollWidth > main.clientWidth) page.push('the conversation')
    return [...page, ...wide.map((element) => element.outerHTML.slice(0, 80))]
  })
