import type { Locator } from 'playwright'
import { expect, test } from 'vitest'
import { useVisits, type Visitor } from './visit'

const lisbon = 'Plan a weekend in Lisbon for two'
const porto = 'And what would three nights in Porto cost?'

const { visit, newSession } = useVisits()

/** A user without a mouse: focus moves by Tab only. Each step checks that focus is on a control that can be seen. */
class KeyboardUser {
  readonly #visitor: Visitor
  /** Whether a control of this page has had focus. */
  #hasBegun = false

  constructor(visitor: Visitor) {
    this.#visitor = visitor
  }

  /** Goes on in a page that has just been loaded, where no control has focus yet. */
  beginAgain(): void {
    this.#hasBegun = false
  }

  /** Moves focus to a control, with as many presses of Tab as it takes. */
  async to(control: Locator): Promise<void> {
    if (this.#hasBegun) await this.seesFocus(control)
    this.#hasBegun = true
    for (let presses = 0; presses < 150; presses++) {
      const key = await control.evaluate((element) => {
        const { activeElement } = element.ownerDocument
        if (activeElement === element) return undefined
        const isAhead = activeElement!.compareDocumentPosition(element) & Node.DOCUMENT_POSITION_FOLLOWING
        return isAhead ? 'Tab' : 'Shift+Tab'
      })
      if (key === undefined) return this.seesFocus(control)
      await this.press(key)
      await this.seesFocus(control)
    }
    throw new Error('unable to reach the control with Tab')
  }

  /** Presses a key on a control. Focus stays on a control afterwards. */
  async press(key: string, control?: Locator): Promise<void> {
    if (control) await this.to(control)
    await this.#visitor.page.keyboard.press(key)
  }

  async type(words: string): Promise<void> {
    await this.#visitor.page.keyboard.type(words)
  }

  /** The name of the control with focus. */
  focused(): Promise<string> {
    return this.#visitor.page.evaluate(() => {
      const element = document.activeElement
      return element?.getAttribute('aria-label') ?? (element?.id || (element?.textContent?.trim() ?? ''))
    })
  }

  /** Fails unless the control with focus has a mark and is in view. @param near an element in the same document */
  async seesFocus(near: Locator): Promise<void> {
    const problem = await near.evaluate(({ ownerDocument: page }) => {
      const element = page.activeElement
      if (!element || element === page.body) return 'focus is lost'
      const parents = [element, element.parentElement, element.parentElement?.closest('form, label')]
      const isMarked = parents.some((each) => each && getComputedStyle(each).outlineStyle !== 'none')
      if (!element.matches(':focus-visible') || !isMarked) return `no mark of focus: ${element.outerHTML.slice(0, 120)}`
      const { left, right, top, bottom } = element.getBoundingClientRect()
      const points = [
        [(left + right) / 2, (top + bottom) / 2],
        [left + 4, top + 4],
        [right - 4, bottom - 4],
      ] as const
      const isHit = points.some(([x, y]) => element.contains(page.elementFromPoint(x, y)))
      return isHit ? undefined : `focus is out of view or covered: ${element.outerHTML.slice(0, 200)}`
    })
    if (problem) throw new Error(problem)
  }
}

test('a whole visit works without a mouse, on two devices, and focus is always in view', async () => {
  const session = newSession()
  const laptop = await visit({ session, allow: 40 })
  const phone = await visit({ session, viewport: { width: 390, height: 800 } })
  const [user, other] = [new KeyboardUser(laptop), new KeyboardUser(phone)]
  const button = (name: string | RegExp) => laptop.page.getByRole('button', { name })
  const ask = async (words: string) => {
    await user.to(laptop.message)
    await user.type(words)
    await user.press('Enter')
  }

  // Send, and stop each run: one here, one on the other device
  await ask(lisbon)
  await ask(porto)
  const [first, second] = [laptop.run(1), laptop.run(2)]
  await Promise.all([first.streams(), second.streams()])
  await user.press('Enter', second.stopButton)
  await second.reaches('cancelled')
  expect(await user.focused()).toMatch(/^Regenerate run “And what/)
  await other.press('Enter', phone.run(1).stopButton)
  await Promise.all([first.reaches('cancelled'), phone.run(1).reaches('cancelled')])
  expect(await other.focused()).toMatch(/^Regenerate run “Plan/)

  // Regenerate, switch the version, compare
  const again = button(/^Regenerate run “And what/)
  await expect.poll(() => again.getAttribute('aria-disabled')).toBe('false')
  await user.press('Enter', again)
  await second.streams()
  expect(await user.focused()).toMatch(/^Stop run “And what/)
  await user.press('Enter', button(/^Previous version of run “And what/))
  await second.reaches('cancelled')
  await user.press('Alt+ArrowRight')
  await second.reaches('streaming')
  await user.press('Enter', button(/^2\/2: compare the versions of run “And what/))
  const dialog = laptop.page.getByRole('dialog')
  await user.to(dialog.getByRole('button', { name: 'Show version 1' }))
  await user.press('Escape')
  await expect.poll(() => user.focused()).toMatch(/^2\/2: compare/)

  // Edit a prompt, and go to the branch that still runs
  await user.press('Enter', button(/^Edit prompt “Plan/))
  await user.type(' on foot')
  await user.press('Enter')
  await expect.poll(() => laptop.cards.count()).toBe(1)
  await laptop.run(1).streams()
  expect(await user.focused()).toMatch(/^Edit prompt “Plan.*on foot/)
  await user.press('Enter', button('1 running on another branch'))
  await second.reaches('streaming')
  await user.seesFocus(laptop.message)

  // The split send button: queue a message, and steer a run
  await user.to(laptop.message)
  await user.type('hello')
  await user.press('Enter', button('More ways to send'))
  await user.press(
    'Enter',
    laptop.page.getByRole('group', { name: 'Ways to send' }).getByRole('button', { name: 'Queue' }),
  )
  await user.seesFocus(laptop.message)
  await user.press('Enter', button(/^Remove queued 1/))
  await expect.poll(() => user.focused()).toBe('message')
  await user.type('We do not eat fish')
  await user.press('Enter', button('More ways to send'))
  await user.press('Enter', button(/^Steer run “And what/))
  await second.card.locator('[data-steer]').waitFor()
  await user.seesFocus(laptop.message)

  // Stop all runs, and approve a tool
  await user.press('Shift+Escape')
  await second.reaches('cancelled')
  await ask('Book a table for two on Friday')
  const table = laptop.run(3)
  await table.reaches('suspended')
  await user.press('Enter', button('Approve Book table'))
  await laptop.allow('all')
  await table.reaches('complete')
  await user.seesFocus(laptop.message)

  // The drawer of failures, an active failure, and the event log
  await user.press('Enter', button('Settings'))
  await user.press('Enter', button('Simulate failures'))
  await user.press('Enter', button(/^Receive everything twice/))
  await user.press('Escape')
  expect(await user.focused()).toBe('Settings')
  await user.press('Enter', button(/^End: /))
  await expect.poll(() => user.focused()).toBe('message')
  await user.press('Enter', button('Settings'))
  await user.press('Enter', button('Event log'))
  await expect.poll(() => user.focused()).toBe('Close')
  await user.press('Escape')
  expect(await user.focused()).toBe('Settings')

  // Two devices on one screen
  await laptop.allow(40)
  await user.press('Enter', laptop.page.getByRole('link', { name: 'Two devices' }))
  user.beginAgain()
  const network = laptop.page.getByRole('switch', { name: 'Network of Laptop' })
  await user.press('Space', network)
  await laptop.page.getByText('Offline', { exact: true }).first().waitFor()
  await user.press('Space')
  const frame = laptop.page.frameLocator('iframe[title$="Laptop"]')
  await frame.locator('[data-connection="connected"]').waitFor()
  await user.press('Tab')
  await frame.locator('a:focus, button:focus').waitFor()
  await user.to(frame.getByLabel('Message', { exact: true }))
  await user.type(porto)
  await user.press('Enter')
  await user.press('Enter', frame.getByRole('button', { name: /^Stop run “And what.*$/ }).last())
  await frame.locator('article').last().and(frame.locator('[data-status="cancelled"]')).waitFor()
})

test('the queue, the filter of the event log and the copy button of code work without a mouse', async () => {
  const visitor = await visit({ permissions: ['clipboard-read', 'clipboard-write'] })
  const { page } = visitor
  const user = new KeyboardUser(visitor)
  const button = (name: string | RegExp) => page.getByRole('button', { name })
  const queued = () => page.getByRole('region', { name: 'Queue' }).locator('li .text').allInnerTexts()

  // Code
  await user.to(visitor.message)
  await page.keyboard.insertText('Repeat: ```ts\nconst days = 2\n```')
  await user.press('Enter')
  await visitor.run(1).reaches('complete')
  await user.press('Enter', button('Copy code'))
  await expect.poll(() => user.focused()).toBe('Copied')
  expect(await page.evaluate(() => navigator.clipboard.readText())).toContain('const days = 2')

  // The queue: two messages, moved, edited, sent now and removed
  await visitor.allow(40)
  await user.to(visitor.message)
  await user.type(lisbon)
  await user.press('Enter')
  await visitor.run(2).streams()
  for (const words of ['hello', porto]) {
    await user.to(visitor.message)
    await user.type(words)
    await user.press('Enter', button('More ways to send'))
    const ways = page.getByRole('group', { name: 'Ways to send' })
    await user.press('Enter', ways.getByRole('button', { name: 'Queue' }))
  }
  await user.press('Enter', button(/^Move queued 2, .* up/))
  await expect.poll(queued).toEqual([porto, 'hello'])
  await user.press('Enter', button(/^Edit queued 2/))
  await user.type(' again')
  await user.press('Enter')
  await expect.poll(queued).toEqual([porto, 'hello again'])
  await user.press('Enter', button(/^Send queued 1, .* now/))
  await visitor.run(3).streams()
  await expect.poll(queued).toEqual(['hello again'])
  await user.press('Enter', button(/^Remove queued 1/))
  await expect.poll(queued).toEqual([])
  await user.seesFocus(visitor.message)

  // The event log: the events of one run
  await user.press('Enter', button('Settings'))
  await user.press('Enter', button('Event log'))
  const log = page.getByRole('complementary', { name: 'Event log' })
  const events = () => log.getByRole('listitem').count()
  const all = await events()
  await user.press('Space', log.getByLabel('Events of'))
  await user.press('ArrowDown')
  await user.press('Enter')
  await expect.poll(events).toBeLessThan(all)
  await user.press('Escape')
  await log.waitFor({ state: 'detached' })
  expect(await user.focused()).toBe('Settings')
})
