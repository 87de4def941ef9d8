import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { here } from '../../scripts/entries'
import { useVisits } from './visit'

const { visit, newSession, signalServer } = useVisits({
  env: { NODE_OPTIONS: `--import=${pathToFileURL(here('test/e2e/skip-time.ts')).href}` },
})

/** The browser's own console message for a refused request. */
const refusals = /Failed to load resource: the server responded with a status of (429|500|502)/
const lost = 'Unable to finish the answer; its agent stopped responding'

test('S31 a run that was stalled for two minutes, and whose Stop the agent refuses, ends with an error for good, on each device', async () => {
  const session = newSession()
  const visitor = await visit({ session, allow: 40, expected: refusals })
  const other = await visit({ session, expected: refusals })
  const runs = [await visitor.ask('Plan a weekend in Lisbon for two'), await visitor.ask('Hello')]
  const [run] = runs
  for (const each of runs) await each.streams()
  await visitor.cause('kill')
  await visitor.allow('all')
  for (const each of runs) await each.reaches('stalled')
  await other.run(1).reaches('stalled')
  await visitor.page.locator('.dock li.stalled').nth(1).waitFor()
  const left = await run!.text()

  signalServer('SIGUSR2')
  await visitor.cause('stubborn')
  await visitor.cause('restart')
  await other.run(1).stop()
  for (const card of [...runs, other.run(1)]) {
    await card.reaches('error')
    expect(await card.card.innerText()).toContain(lost)
    expect(await card.stopButton.count()).toBe(0)
  }
  expect(await run!.text()).toBe(left)
  expect(await visitor.page.locator('.dock li.stalled').count()).toBe(0)
  await visitor.page.reload()
  for (const each of runs) await each.reaches('error')
  expect(await run!.text()).toBe(left)
  await run!.card.getByRole('button', { name: /^Regenerate/ }).click()
  await run!.reaches('complete')
})
