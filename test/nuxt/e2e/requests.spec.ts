import { expect, it } from 'vitest'
import { eventually } from '../../support/eventually'
import { useSite } from './visits'

const app = useSite()

interface Left {
  heap: number
  open: Record<string, number>
}

const left = async (): Promise<Left> => {
  const response = await fetch(`${app.origin}/api/left`, { headers: { connection: 'close' } })
  return (await response.json()) as Left
}

it('200 requests of different users at once show each user their own chat, and leave nothing behind', async () => {
  const users = Array.from({ length: 200 }, (_, index) => `user${index}`)
  const cookies = await Promise.all(users.map((user) => app.signIn(user)))
  const writers = users.slice(0, 5)
  for (const user of writers) {
    const { view } = await app.chat(user, 'mine')
    await view.send(`[never] The words of ${user}`)
  }
  const wordsFor = async (user: string, index: number): Promise<readonly string[]> => {
    const headers = { cookie: cookies[index]!, connection: 'close' }
    const html = await (await fetch(`${app.origin}/chat/mine`, { headers })).text()
    expect(html).toContain(user)
    return html.match(/The words of user\d+(?=<)/g) ?? []
  }
  const renderAll = async () => {
    const words = await Promise.all(users.map(wordsFor))
    // NOTE: on a busy machine a page can be rendered before its history has arrived
    const others = words.flatMap((own, index) => own.filter((each) => each !== `The words of user${index}`))
    expect(others).toEqual([])
  }
  await renderAll()
  for (const [index, user] of writers.entries()) {
    await eventually(async () => expect(await wordsFor(user, index)).toEqual([`The words of ${user}`]))
  }
  // NOTE: once everything is warm, the process holds as much after further requests as before them
  let before = await left()
  await eventually(async () => {
    before = await left()
    await renderAll()
    const after = await left()
    expect(after.heap - before.heap).toBeLessThan(200 * 2500)
  }, 250_000)
  await eventually(async () => {
    for (const [kind, count] of Object.entries((await left()).open))
      expect(count).toBeLessThanOrEqual(before.open[kind] ?? 0)
  })
})
