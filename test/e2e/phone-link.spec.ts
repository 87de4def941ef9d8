import { expect, test } from 'vitest'
import { violationsOf } from './axe'
import { useVisits, type Visitor } from './visit'

const { visit } = useVisits()

/** Makes the server say that phones reach it at this origin. */
const serveTo = (visitor: Visitor, origin: string | undefined) =>
  visitor.page.route('**/api/network', (route) => route.fulfill({ json: { origin } }))

test.each(['light', 'dark'] as const)(
  'the header has a QR code for a phone in the same network (%s)',
  async (colorScheme) => {
    const visitor = await visit({ colorScheme })
    await serveTo(visitor, 'http://192.168.1.20:5173')
    await visitor.press('Open on a phone')
    const code = visitor.page.getByRole('img', { name: 'QR code for 192.168.1.20:5173' })
    await code.waitFor()
    expect(await code.locator('path').getAttribute('d')).toMatch(/^(M\d+ \d+h1v1h-1z){200,}$/)
    expect(await violationsOf(visitor.page)).toEqual([])
  },
)

test('a server that phones cannot reach says how to start it', async () => {
  const visitor = await visit()
  await visitor.press('Open on a phone')
  const words = visitor.page.getByRole('group', { name: 'Open on a phone' })
  await expect.poll(() => words.innerText()).toContain('npm run dev -- --host')
})
