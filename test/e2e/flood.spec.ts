import * as Ably from 'ably'
import { expect, onTestFinished, test } from 'vitest'
import { useVisits, wordsFor, type Visitor } from './visit'

const { visit } = useVisits()

/** Somebody else who may publish on the visitor's conversation, as the token route lets everybody. */
function stranger({ page, session }: Visitor): Ably.RealtimeChannel {
  const { origin, hostname, port } = new URL(page.url())
  const client = new Ably.Realtime({
    authUrl: `${origin}/api/ably/token`,
    authParams: { clientId: 'mallory' },
    clientId: 'mallory',
    endpoint: hostname,
    port: Number(port),
    tls: false,
    transports: ['web_socket'],
    disableConnectivityCheck: true,
  })
  onTestFinished(() => client.close())
  return client.channels.get(`ai:${session}`)
}

const forged = (n: number) => [
  { name: 'chat', data: 'x'.repeat(50) },
  { name: 'ai-output', data: 'evil', extras: { ai: { transport: { 'run-id': `g${n}`, 'invocation-id': 'i' }, codec: { kind: 'text' } } } },
  { name: 'ai-run-start', extras: { ai: { transport: { 'run-id': `g${n}`, 'invocation-id': 'i' } } } },
  { name: 'ai-cancel', extras: { ai: { transport: { 'run-id': `g${n}` } } } },
  { name: 'ai-input', extras: { ai: n } },
] // prettier-ignore

test('a page that is flooded with junk goes on drawing and answers the keyboard', async () => {
  const visitor = await visit({ speed: 60 })
  const prompt = 'Plan three days in Lisbon'
  const run = await visitor.ask(prompt)
  await run.streams()
  await visitor.page.evaluate(() => {
    const long: number[] = []
    new PerformanceObserver((list) => long.push(...list.getEntries().map(({ duration }) => duration))).observe({ entryTypes: ['longtask'] })
    Object.assign(window, { long })
  }) // prettier-ignore
  // NOTE: the endpoint on this machine remembers 10,000 messages a channel, and nothing can be appended to forgotten ones
  const channel = stranger(visitor)
  const began = performance.now()
  const batches = Array.from({ length: 36 }, (_, b) => Array.from({ length: 50 }, (__, n) => forged(b * 50 + n)).flat())
  for (const batch of batches) await channel.publish(batch)
  const rate = (batches.length * 250) / (performance.now() - began)
  expect(rate, 'messages a millisecond').toBeGreaterThan(1)

  await visitor.message.fill('And the food?')
  expect(await visitor.message.inputValue()).toBe('And the food?')
  await run.reaches('complete')
  await run.reads(wordsFor(prompt))
  expect(await visitor.cards.count()).toBe(1)
  const long = await visitor.page.evaluate(() => (window as unknown as { long: number[] }).long)
  expect(Math.max(0, ...long), 'longest task in ms').toBeLessThan(500)
})
