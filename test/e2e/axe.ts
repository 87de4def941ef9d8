import { AxeBuilder } from '@axe-core/playwright'
import type { Page } from 'playwright'

/** The findings of Axe on a page that are more than minor. */
export async function violationsOf(page: Page): Promise<string[]> {
  // NOTE: colours in a transition are not final, so they are not checked
  await page.evaluate(() =>
    Promise.allSettled(
      document
        .getAnimations()
        .filter(({ effect }) => effect?.getComputedTiming().endTime !== Infinity)
        .map(({ finished }) => finished),
    ),
  )
  const { violations } = await new AxeBuilder({ page }).analyze()
  return violations
    .filter(({ impact }) => impact !== 'minor')
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join('\n')}`)
}
