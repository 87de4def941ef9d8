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
  const renderAll = () =>
    Promise.all(
      users.map(async (user, index) => {
        const headers = { cookie: cookies[index]!, connection: 'close' }
        const html = await (await fetch(`${app.origin}/chat/mine`, { headers })).text()
        const mine = writers.includes(user) ? [`The words of ${user}<`] : []
        expect(html).toContain(user)
        expect(html.match(/The words of user\d+</g) ?? []).toEqual(mine)
      }),
    )
  await renderAll()
  // NOTE: once everything is warm, the process holds as much after further requests as before them
  let before = await left()
  await eventually(async () => {
    before = await left()
    await renderAll()
    const after = await left()
    expect(after.heap - before.heap).toBeLessThan(200 * 2500)
  })
  await eventually(async () => {
    for (const [kind, count] of Object.entries((await left()).open))
      expect(count).toBeLessThanOrEqual(before.open[kind] ?? 0)
  })
})
