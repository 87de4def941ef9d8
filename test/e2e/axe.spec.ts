import { expect, test } from 'vitest'
import { violationsOf } from './axe'
import { useVisits, type Visitor } from './visit'

const lisbon = 'Plan a weekend in Lisbon for two'
const porto = 'And what would three nights in Porto cost?'

const { visit } = useVisits()

/** The findings of Axe at each width; the page is not loaded again for them. */
async function findingsOf({ page }: Visitor, state: string): Promise<string[]> {
  const findings: string[] = []
  for (const width of [1280, 768, 390, 360]) {
    await page.setViewportSize({ width, height: 800 })
    for (const finding of await violationsOf(page)) findings.push(`${state}, ${width} px: ${finding}`)
  }
  await page.setViewportSize({ width: 1280, height: 800 })
  return findings
}

test.each(['light', 'dark'] as const)(
  'Axe finds nothing from 1280 to 360 px, in any state (%s)',
  async (colorScheme) => {
    const visitor = await visit({ hasMotion: true, colorScheme, allow: 40 })
    const { page } = visitor
    const found: string[] = []
    const check = async (state: string) => void found.push(...(await findingsOf(visitor, state)))

    await check('idle')
    const [first, second] = [await visitor.ask(lisbon), await visitor.ask('Tell me how you fail')]
    await Promise.all([first.streams(), second.streams()])
    await check('two streaming')
    await visitor.press('More ways to send')
    await check('ways to send')
    await visitor.page.getByLabel('While an answer is streaming, Enter').selectOption('queues')
    await page.keyboard.press('Escape')
    await visitor.message.fill(porto)
    await visitor.message.press('Enter')
    await first.stop()
    await first.reaches('cancelled')
    await check('a cancelled run, and a queue')
    await visitor.allow('all')
    await second.reaches('error')
    await (await visitor.ask('hello')).reaches('complete')
    await visitor.press(/^Edit prompt “Plan/)
    await check('an error, a complete answer, and a prompt that is edited')
    await page.keyboard.press('Escape')
    await visitor.press(/^Regenerate run “Tell me/)
    await visitor.press(/^2\/2: compare the versions of run “Tell me/)
    await page.getByRole('region', { name: 'Version 2' }).getByText('Failed', { exact: true }).waitFor()
    await check('two versions side by side')
    await page.keyboard.press('Escape')
    await visitor.press('Settings')
    await check('settings')
    await visitor.press('Event log')
    await check('event log')
    await page.keyboard.press('Escape')
    await visitor.press('Settings')
    await visitor.press('Simulate failures')
    await check('failures')
    await page.keyboard.press('Escape')
    await visitor.cause('network')
    await page.getByText('Connection lost.', { exact: true }).waitFor()
    await check('offline')
    expect(found).toEqual([])
  },
)
