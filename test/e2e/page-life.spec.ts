import { expect, test } from 'vitest'
import { useVisits, wordsFor } from './visit'

const { visit } = useVisits({ keepsPages: true })

const lisbon = 'Plan a weekend in Lisbon for two'
const porto = 'And what would three nights in Porto cost?'

// NOTE: a page that seems to be left fires `beforeunload`, in which the Ably SDK closes its connection
test.each([
  ['follows a mailto link', (): void => void (location.href = 'mailto:someone@example.com')],
  [
    'starts a download',
    (): void => {
      const link = document.createElement('a')
      link.href = URL.createObjectURL(new Blob(['x']))
      link.download = 'notes.txt'
      link.click()
    },
  ],
  [
    'asks "Leave site?" and the user stays',
    (): void => {
      window.addEventListener('beforeunload', (event) => event.preventDefault(), { once: true })
      location.href = '/elsewhere'
    },
  ],
])('an answer continues to its end, and the next one works, if the page %s', async (_, leave) => {
  const visitor = await visit({ allow: 40 })
  const address = visitor.page.url()
  visitor.page.on('dialog', (dialog) => void dialog.dismiss())
  const first = await visitor.ask(lisbon)
  await first.streams()
  await visitor.page.evaluate(leave)
  await visitor.allow('all')
  await first.reaches('complete')
  const second = await visitor.ask(porto)
  await second.reaches('complete')
  expect(visitor.page.url()).toBe(address)
})

test('an answer that ended meanwhile is complete, and the next one works, after the back button restores the page', async () => {
  const visitor = await visit({ allow: 40 })
  const { page } = visitor
  const address = page.url()
  const first = await visitor.ask(lisbon)
  await first.streams()
  await page.evaluate(() =>
    window.addEventListener(
      'pageshow',
      ({ persisted }) => (document.documentElement.dataset.persisted = `${persisted}`),
    ),
  )
  await page.goto(new URL('/s/elsewhere', page.url()).href)
  await page.locator('[data-connection="connected"]').waitFor()
  await visitor.allow('all')
  await page.goBack({ waitUntil: 'commit' })
  await page.locator('[data-persisted="true"]').waitFor()
  await first.reaches('complete')
  const second = await visitor.ask(porto)
  await second.reaches('complete')
  expect(page.url()).toBe(address)
})

test('a prompt that is sent before the page has connected again goes out, after the back button restores the page', async () => {
  const visitor = await visit()
  const { page } = visitor
  await visitor.message.fill(lisbon)
  await page.evaluate(() => {
    const sendAtOnce = (event: PageTransitionEvent): void => {
      if (!event.persisted) return
      const { dataset } = document.documentElement
      dataset.connectionThen = document.querySelector<HTMLElement>('[data-connection]')!.dataset.connection
      document.querySelector('form')!.requestSubmit()
    }
    // NOTE: before the listener of the library, which opens the connection again
    window.addEventListener('pageshow', sendAtOnce, { capture: true })
  })
  await page.goto(new URL('/s/elsewhere', page.url()).href)
  await page.locator('[data-connection="connected"]').waitFor()
  await page.goBack({ waitUntil: 'commit' })
  await page.locator('[data-connection-then]').waitFor()
  expect(await page.locator('html').getAttribute('data-connection-then')).not.toBe('connected')
  await visitor.run(1).reaches('complete')
  await visitor.run(1).reads(wordsFor(lisbon))
})

test('an answer that ended while the page was frozen is complete when the page goes on, and the next one works', async () => {
  const visitor = await visit({ allow: 40 })
  const other = await visit({ session: visitor.session })
  const first = await visitor.ask(lisbon)
  await first.streams()
  const browser = await visitor.page.context().newCDPSession(visitor.page)
  await browser.send('Page.setWebLifecycleState', { state: 'frozen' })
  await visitor.allow('all')
  await other.run(1).reaches('complete')
  await browser.send('Page.setWebLifecycleState', { state: 'active' })
  await first.reaches('complete')
  expect(await first.text()).toBe(await other.run(1).text())
  const second = await visitor.ask(porto)
  await second.reaches('complete')
})
