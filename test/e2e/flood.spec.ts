import * as Ably from 'ably'
import { expect, onTestFinished, test } from 'vitest'
import { useVisits, wordsFor, type Visitor } from './visit'

const { visit } = useVisits()

/** Another client that can publish on the visitor's conversation, as the token route allows every visitor. */
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

test('a page accepts typing and shows the answer during a flood of meaningless messages', async () => {
  const visitor = await visit({ allow: 40 })
  const prompt = 'Plan three days in Lisbon'
  const run = await visitor.ask(prompt)
  await run.streams()
  // NOTE: the local endpoint remembers 10,000 messages per channel, and forgotten ones cannot be appended to
  const channel = stranger(visitor)
  const batches = Array.from({ length: 36 }, (_, b) => Array.from({ length: 50 }, (__, n) => forged(b * 50 + n)).flat())
  const flood = (async () => {
    for (const batch of batches) await channel.publish(batch)
  })()
  await visitor.message.pressSequentially('And the food?')
  expect(await visitor.message.inputValue()).toBe('And the food?')
  await visitor.allow('all')
  await flood
  await run.reaches('complete')
  await run.reads(wordsFor(prompt))
  expect(await visitor.cards.count()).toBe(1)
  // In development the page tells once of answers that it ignores
  expect(visitor.problems.splice(0)).toEqual([expect.stringContaining('Answers of client "mallory" are ignored')])
})
