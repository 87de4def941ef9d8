import { expect, test } from 'vitest'
import { violationsOf } from './axe'
import { useVisits, type Visitor } from './visit'

const { visit, newSession } = useVisits()

/** Drops files on the middle of the conversation. */
const drop = (visitor: Visitor, files: readonly [name: string, type: string][]) =>
  visitor.page.evaluate((files) => {
    const dataTransfer = new DataTransfer()
    for (const [name, type] of files) dataTransfer.items.add(new File(['x'], name, { type }))
    const target = document.querySelector('main')!
    const fire = (type: string) => {
      const event = new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true })
      target.dispatchEvent(event)
      return event.defaultPrevented
    }
    return [fire('dragover'), fire('drop')]
  }, files)

test('files that are dropped anywhere on the page are attached, and the page stays', async () => {
  const visitor = await visit()
  expect(await drop(visitor, [['notes.txt', 'text/plain']])).toEqual([true, true])
  await visitor.page.getByRole('list', { name: 'Attached files' }).getByText('notes.txt').waitFor()
})

test('each refused file is named with its reason', async () => {
  const visitor = await visit()
  await drop(visitor, [
    ['cv.pdf', 'application/pdf'],
    ['film.mp4', 'video/mp4'],
    ['notes.txt', 'text/plain'],
  ])
  const alert = visitor.page.locator('.tray [role=alert]')
  await alert.getByText("cv.pdf can't be attached. Attach images or text files.").waitFor()
  expect(await alert.innerText()).toContain("film.mp4 can't be attached. Attach images or text files.")
})

test('a draft survives a reload, and each conversation has its own', async () => {
  const session = newSession()
  const visitor = await visit({ session })
  await visitor.message.fill('half a thought')
  const isDraft = async (text: string) => await expect.poll(() => visitor.message.inputValue()).toBe(text)
  await visitor.page.reload()
  await isDraft('half a thought')
  await visitor.press('New conversation')
  await isDraft('')
  await visitor.page.goBack()
  await isDraft('half a thought')
})

test('a suggestion and a scene leave the draft and its files in the message box', async () => {
  const visitor = await visit({ allow: 60 })
  const draft = async () => [
    await visitor.message.inputValue(),
    await visitor.page.getByRole('list', { name: 'Attached files' }).innerText(),
  ]
  await drop(visitor, [['notes.txt', 'text/plain']])
  await visitor.message.fill('half a thought')
  await visitor.press(/^Change my mind/)
  await visitor.run(2).streams()
  expect(await draft()).toEqual(['half a thought', 'notes.txt'])
  expect((await visitor.page.locator('.prompt').allInnerTexts()).join(' ')).not.toContain('notes.txt')
  await visitor.press('New conversation')
  await visitor.message.fill('another thought')
  await visitor.press('Book a table')
  await visitor.run(1).card.waitFor()
  expect(await visitor.message.inputValue()).toBe('another thought')
})

test('text runs in the direction of its script', async () => {
  const visitor = await visit()
  const run = await visitor.ask('مرحبا بالعالم')
  await run.reaches('complete')
  const direction = (selector: string) =>
    visitor.page
      .locator(selector)
      .first()
      .evaluate((element) => getComputedStyle(element).direction)
  expect(await direction('.prompt p')).toBe('rtl')
  expect(await direction('.prose .block')).toBe('ltr')
  await visitor.message.fill('שלום')
  expect(await direction('#message')).toBe('rtl')
})

test('the markers of a list stand on the side at which its script starts, inside the answer', async () => {
  const visitor = await visit({ viewport: { width: 390, height: 780 } })
  const run = await visitor.ask('Repeat: - ראשון\n- שני\n\nText\n\n1. one\n2. two')
  await run.reaches('complete')
  /** The direction of each list, and the room for its markers at its start. */
  const lists = await run.card.locator('.prose :is(ul, ol)').evaluateAll((elements) =>
    elements.map((element) => {
      const { direction, paddingInlineStart } = getComputedStyle(element)
      const item = element.querySelector('li')!
      return [direction, getComputedStyle(item).direction, parseFloat(paddingInlineStart) > 12]
    }),
  )
  expect(lists).toEqual([
    ['rtl', 'rtl', true],
    ['ltr', 'ltr', true],
  ])
})

test('a long prompt is clamped, and opens by keyboard', async () => {
  const visitor = await visit({ viewport: { width: 360, height: 740 } })
  const words = Array.from({ length: 120 }, (_, index) => `word${index}`).join(' ')
  await (await visitor.ask(words)).reaches('complete')
  const text = visitor.page.locator('.prompt p')
  const height = async () => (await text.boundingBox())!.height
  const clamped = await height()
  expect(await violationsOf(visitor.page)).toEqual([])
  const more = visitor.page.getByRole('button', { name: /^Whole prompt/ })
  await more.focus()
  await visitor.page.keyboard.press('Enter')
  expect(await height()).toBeGreaterThan(clamped * 1.5)
  expect(await more.getAttribute('aria-expanded')).toBe('true')
  await visitor.page.keyboard.press('Enter')
  expect(await height()).toBe(clamped)
})
