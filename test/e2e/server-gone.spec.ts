import { expect, inject, onTestFinished, test } from 'vitest'
import { startPlayground } from '../../scripts/playground'
import { newPage } from '../support/browser'

test('a page whose server is gone claims only that the connection is lost, and keeps the draft', async () => {
  const built = inject('builtPlayground')
  const gone = await startPlayground({ built })
  onTestFinished(() => gone.stop('SIGKILL'))
  const page = await newPage()
  await page.goto(`${gone.url}/s/gone`)
  await page.locator('[data-connection="connected"]').waitFor()
  await page.getByLabel('Message').fill('Half a thought')

  await gone.stop('SIGKILL')
  const banner = page.locator('[data-outage="away"] p')
  await banner.waitFor()
  expect(await banner.innerText()).toBe('Connection lost. Reconnecting.')
  expect(await page.getByLabel('Message').inputValue()).toBe('Half a thought')

  const back = await startPlayground({ built, port: Number(new URL(gone.url).port) })
  onTestFinished(() => back.stop('SIGKILL'))
  await page.reload()
  await page.locator('[data-connection="connected"]').waitFor()
  await expect.poll(() => page.getByLabel('Message').inputValue()).toBe('Half a thought')
})
