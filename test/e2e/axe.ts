import axe from 'axe-core'
import type { Frame, Page } from 'playwright'

/** The findings of Axe on a page, in its frames too, that are more than minor. */
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
  await Promise.all(page.frames().map(load))
  const { violations, incomplete } = await page.evaluate(
    (options) => (window as unknown as { axe: typeof axe }).axe.run(options),
    // NOTE: details of all that passes are most of a run's work
    { resultTypes: ['violations' as const], pingWaitTime: 60_000 },
  )
  const untested = incomplete.filter(({ id }) => id === 'frame-tested')
  return [...violations, ...untested]
    .filter(({ impact }) => impact !== 'minor')
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join('\n')}`)
}

/** Loads Axe into a frame, once for each of its pages. */
async function load(frame: Frame): Promise<void> {
  if (!(await frame.evaluate(() => 'axe' in window))) await frame.evaluate(axe.source)
}
