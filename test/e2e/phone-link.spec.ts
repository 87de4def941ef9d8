import { networkInterfaces } from 'node:os'
import { encode } from 'uqr'
import { expect, inject, onTestFinished, test } from 'vitest'
import { startPlayground } from '../../scripts/playground'
import { newPage } from '../support/browser'
import { violationsOf } from './axe'
import { useVisits } from './visit'

const { visit } = useVisits()

/** An address of this machine that is not `localhost`: in its network, or else a second one of the loopback network. */
const address =
  Object.values(networkInterfaces())
    .flatMap((all) => all ?? [])
    .find(({ internal, family }) => !internal && family === 'IPv4')?.address ?? '127.0.0.2'

test('the QR code leads a phone into the conversation, where its Stop ends the answer on every device', async () => {
  const served = await startPlayground({ built: inject('builtPlayground'), host: address })
  onTestFinished(() => served.stop('SIGKILL'))
  const open = async (url: string) => {
    const page = await newPage()
    await page.goto(url)
    await page.locator('[data-connection="connected"]').waitFor()
    return page
  }
  // NOTE: the answer still streams when the phone stops it
  await fetch(`${served.url}/api/gates/qr`, { method: 'POST', body: '40' })
  const laptop = await open(`${served.url}/s/qr-trip?gate=qr`)
  await laptop.getByRole('button', { name: 'Open on a phone' }).click()
  const code = laptop.getByRole('img', { name: `QR code for ${new URL(served.url).host}` })
  const drawn = (await code.locator('path').getAttribute('d'))!
  const { data } = encode(`${served.url}/s/qr-trip`, { border: 2 })
  const dark = data.flatMap((row, y) => row.flatMap((isDark, x) => (isDark ? [`${x} ${y}`] : [])))
  expect(drawn.match(/\d+ \d+/g)).toEqual(dark)
  for (const colorScheme of ['light', 'dark'] as const) {
    await laptop.emulateMedia({ colorScheme })
    expect(await violationsOf(laptop)).toEqual([])
  }
  await laptop.keyboard.press('Escape')

  const phone = await open(`${served.url}/s/qr-trip`)
  await laptop.getByLabel('Message', { exact: true }).fill('Plan a weekend in Lisbon for two')
  await laptop.keyboard.press('Enter')
  await phone.locator('article[data-status="streaming"]').waitFor()
  await phone.getByRole('button', { name: /^Stop run/ }).click()
  await laptop.locator('article[data-status="cancelled"]').waitFor()
})

test('a server that phones cannot reach says how to start it', async () => {
  const visitor = await visit()
  await visitor.press('Open on a phone')
  const words = visitor.page.getByRole('group', { name: 'Open on a phone' })
  await expect.poll(() => words.innerText()).toContain('npm run dev -- --host')
})
