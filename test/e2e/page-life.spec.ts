import { expect, test } from 'vitest'
import { useVisits } from './visit'

const { visit } = useVisits()

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
  const visitor = await visit()
  const address = visitor.page.url()
  visitor.page.on('dialog', (dialog) => void dialog.dismiss())
  const first = await visitor.ask('Plan a weekend in Lisbon for two')
  await first.streams()
  await visitor.page.evaluate(leave)
  await first.reaches('complete')
  const second = await visitor.ask('And what would three nights in Porto cost?')
  await second.reaches('complete')
  expect(visitor.page.url()).toBe(address)
})
