import { expect } from 'vitest'
import type { RunOnPage, Visitor } from './visit'

/** Delays every Stop, or lets the delayed ones through. */
const delayStops = (visitor: Visitor, seconds: number) =>
  visitor.page.evaluate(
    (seconds) => fetch('/api/faults/late', { method: 'POST', body: JSON.stringify({ clientId: '', seconds }) }),
    seconds,
  )

/**
 * Stops an answer whose agent hears of it late, so that text is written after Stop. Returns the text before Stop.
 *
 * @param elsewhere - the run on another device
 * @param after - how far the answer can stream then, in tokens
 */
export async function stopLate(visitor: Visitor, run: RunOnPage, elsewhere: RunOnPage, after: number): Promise<string> {
  await delayStops(visitor, 600)
  await run.stop()
  await run.reaches('cancelling')
  // NOTE: text counts as written after Stop once the Stop is on the channel
  await elsewhere.reaches('cancelling')
  const kept = await run.text()
  await visitor.allow(after)
  await expect.poll(async () => (await run.text()).length).toBeGreaterThan(kept.length + 40)
  await delayStops(visitor, 0)
  await run.reaches('cancelled')
  return kept
}
