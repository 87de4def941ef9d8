import type { Page } from 'playwright'

/** Names the elements that are wider than the window and do not scroll by themselves. */
export const overflowOf = (page: Page): Promise<string[]> =>
  page.evaluate(() => {
    const scrolls = (element: Element): boolean =>
      element.parentElement !== null &&
      (/auto|scroll|hidden/.test(getComputedStyle(element.parentElement).overflowX)
        ? element.parentElement.getBoundingClientRect().right <= innerWidth + 0.5
        : scrolls(element.parentElement))
    const wide = [...document.querySelectorAll('body *')].filter(
      (element) => element.getBoundingClientRect().right > innerWidth + 0.5 && !scrolls(element),
    )
    const page = document.documentElement.scrollWidth > innerWidth ? ['the page'] : []
    const main = document.querySelector('main')!
    if (main.scrollWidth > main.clientWidth) page.push('the conversation')
    return [...page, ...wide.map((element) => element.outerHTML.slice(0, 80))]
  })
