import { readFileSync } from 'node:fs'
import type { Browser, WebSocket } from 'playwright'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { here } from '../../scripts/entries'
import { startChromium } from '../support/browser'
import { run } from '../support/command'
import { eventually } from '../support/eventually'
import { checkTypes, edit, makeApp, vite, viteFiles } from './app'
import { forAWhile, messagesOf, openPage, stopOneOfTwo } from './visit'

/** The action of Ably's protocol that attaches a channel. */
const attach = 10

let browser: Browser
beforeAll(async () => {
  browser = await startChromium()
})
afterAll(() => browser.close())

const open = (url: string) => openPage(browser, url)

describe("the README's Vite app", () => {
  let folder: string
  beforeAll(() => {
    folder = makeApp('readme', viteFiles)
  })

  it('type-checks', () => checkTypes(folder))

  it('streams two answers, and stops one of them', async () => {
    const visit = await open(await vite(folder))
    await stopOneOfTwo(visit)
    expect(visit.problems).toEqual([])
  })

  it('shows the error of a model in the place of the answer', async () => {
    const { page, problems, ask } = await open(await vite(folder))
    await page.getByPlaceholder('Ask something ...').waitFor()
    await ask('Please fail')
    await messagesOf(page, 'assistant', 'error').filter({ hasText: 'An error occurred.' }).waitFor()
    expect(await page.getByText('An error occurred.').count()).toBe(1)
    expect(problems).toEqual([])
  })

  it('keeps the newest words above its input in sight on a phone, unless the user scrolls up', async () => {
    const { page, ask } = await open(await vite(folder))
    await page.setViewportSize({ width: 320, height: 300 })
    const lines = page.locator('article p')
    const gap = () =>
      page.evaluate(() => {
        const [form, last] = ['form', 'article:last-of-type p'].map((all) => document.querySelector(all)!)
        const { top, bottom } = form!.getBoundingClientRect()
        return [Math.round(innerHeight - bottom), Math.sign(top - last!.getBoundingClientRect().bottom)]
      })
    await ask('One')
    await messagesOf(page, 'assistant', 'complete').waitFor()
    await ask(`Two${forAWhile}`)
    await messagesOf(page, 'assistant', 'active').filter({ hasText: 'You said: "Two' }).waitFor()
    await expect.poll(gap).toEqual([0, 1])
    expect(await page.evaluate(() => document.body.scrollHeight > innerHeight)).toBe(true)
    expect(await page.evaluate(() => document.body.scrollWidth)).toBe(320)
    await lines.first().scrollIntoViewIfNeeded()
    await messagesOf(page, 'assistant', 'complete').filter({ hasText: 'You said: "Two' }).waitFor()
    expect((await lines.first().boundingBox())!.y).toBeGreaterThanOrEqual(0)
  })

  it('works the same after a build, in `vite preview`', async () => {
    await run(folder, process.execPath, 'node_modules/vite/bin/vite.js', 'build')
    const { page, problems, ask } = await open(await vite(folder, 'preview'))
    await ask('One')
    await messagesOf(page, 'assistant', 'complete').waitFor()
    expect(problems).toEqual([])
  })
})

it("the README's Vite app shows the error of an agent that writes nothing below the prompt", async () => {
  const folder = makeApp('throws', viteFiles)
  edit(folder, 'server/agent.ts', /const messages/, "throw new Error('no words today')\n    $&")
  const { page, problems, ask } = await open(await vite(folder))
  await ask('One')
  await messagesOf(page, 'user', 'error').filter({ hasText: 'no words today' }).waitFor()
  expect(await page.locator('article').count()).toBe(1)
  expect(problems).toEqual([])
})

it('five edits of the page and of the agent leave the page, its connection and its subscription alone', async () => {
  const folder = makeApp('edits', viteFiles)
  const sent: { socket: WebSocket; action: unknown }[] = []
  let loads = 0
  const { page, problems, ask } = await openPage(browser, await vite(folder), async (opened) => {
    opened.on('load', () => loads++)
    opened.on('websocket', (socket) =>
      socket.on('framesent', ({ payload }) => {
        const { action } = JSON.parse(String(payload)) as { action?: unknown }
        if (action !== undefined) sent.push({ socket, action })
      }),
    )
  })
  await ask(`One${forAWhile}`)
  await messagesOf(page, 'assistant', 'active').waitFor()
  const change = async (path: string, pattern: RegExp, by: string, isSeen: () => Promise<void>) => {
    edit(folder, path, pattern, by)
    // NOTE: saved again if it has no effect, since the dev server can miss a change while it handles another
    const save = (cause: unknown) => {
      edit(folder, path, /$/, '')
      throw cause
    }
    await eventually(() => isSeen().catch(save))
  }
  for (let count = 1; count <= 5; count++) {
    const isShown = () => page.getByText(`Page ${count}`).waitFor({ timeout: 5000 })
    await change('src/App.vue', /<form/, `<p>Page ${count}</p>\n  <form`, isShown)
  }
  await messagesOf(page, 'assistant', 'complete').filter({ hasText: 'You said: "One' }).waitFor()
  for (let count = 1; count <= 5; count++) {
    const answers = messagesOf(page, 'assistant', 'complete').filter({ hasText: `Agent ${count}` })
    await change('server/agent.ts', /demoModel\(.*?\),/, `demoModel({ script: () => 'Agent ${count}' }),`, async () => {
      await ask('Which one?')
      await answers.first().waitFor({ timeout: 5000 })
    })
  }
  expect(loads).toBe(1)
  expect(new Set(sent.map(({ socket }) => socket)).size).toBe(1)
  expect(sent.filter(({ action }) => action === attach)).toHaveLength(1)
  expect(problems).toEqual([])
})

describe('the tool that needs an approval, of the page about agents', () => {
  it('suspends the answer until a user approves the call', async () => {
    const guide = readFileSync(here('docs/agents.md'), 'utf8')
    const [, tools] = /```ts\nimport \{ jsonSchema, streamText, tool \} from 'ai'\n([^]*?)\nconst result/.exec(guide)!
    const [, buttons] = /```html\n<!-- in the template.*\n([^]*?)```/.exec(guide)!
    const folder = makeApp('approval', viteFiles)
    const agent = 'server/agent.ts'
    edit(folder, agent, /^import \{ (.*) \} from 'ai'$/m, "import { $1, jsonSchema, tool } from 'ai'")
    edit(folder, agent, /^export default/m, `${tools}\nexport default`)
    edit(folder, agent, /messages, abortSignal/, 'messages, tools, toolApproval, abortSignal')
    const page = 'src/App.vue'
    edit(folder, page, /useView \}/, 'useView, UIMessageCodec }')
    edit(folder, page, /wake \} = useView/, 'wake, answer } = useView')
    edit(folder, page, /<\/article>/, `${buttons}</article>`)
    const visit = await open(await vite(folder))
    await visit.ask('Please book a hotel')
    await messagesOf(visit.page, 'assistant', 'suspended').waitFor()
    await visit.page.getByRole('button', { name: 'Approve' }).click()
    await messagesOf(visit.page, 'assistant', 'complete').filter({ hasText: 'Booked: ' }).waitFor()
    expect(visit.problems).toEqual([])
  })
})
