import * as Ably from 'ably'
import { convertToModelMessages, streamText } from 'ai'
import { expect, test } from 'vitest'
import { createClientSession, UIMessageCodec } from 'vue-ai-transport'
import { defineAgent } from 'vue-ai-transport/agent'
import { createLocalEndpoint, demoModel } from 'vue-ai-transport/local'

test('a prompt survives a tunnel', async () => {
  await using endpoint = await createLocalEndpoint()
  const client = new Ably.Realtime(endpoint.clientOptions({ clientId: 'alice' }))
  const session = createClientSession({ client, sessionName: 'trip', codec: UIMessageCodec })
  await session.connect()
  endpoint.dropConnection('alice')
  await session.view.send('Plan three days in Lisbon', { wake: false })
  expect(session.view.getMessages()).toMatchObject([{ state: 'sent' }])
  await session.close()
  client.close()
})

test('a Stop keeps the words so far', async () => {
  await using endpoint = await createLocalEndpoint()
  const [alice, bot] = ['alice', 'agent'].map((clientId) => new Ably.Realtime(endpoint.clientOptions({ clientId })))
  const gate = Promise.withResolvers<void>()
  const model = demoModel({
    script: () => 'Day one: the castle.',
    beforeToken: (written) => (written.length === 2 ? gate.promise : undefined), // the model waits after two tokens
  })
  const agent = defineAgent({
    client: () => bot!,
    agents: 'agent',
    authorize: () => true,
    async respond(run) {
      const messages = await convertToModelMessages(run.context())
      const result = streamText({ model, messages, abortSignal: run.abortSignal })
      await run.pipe(result.toUIMessageStream())
    },
  })
  const session = createClientSession({
    client: alice!,
    sessionName: 'trip',
    codec: UIMessageCodec,
    agents: 'agent',
    agent: { url: 'http://agent/', fetch: (url, init) => agent.fetch(new Request(url, init)) }, // no HTTP server is needed
  })
  await session.connect()
  const run = await session.view.send('Plan a day in Lisbon')
  const reply = () => session.view.getMessages()[1]?.message.parts
  const words = expect.objectContaining({ type: 'text', text: expect.stringMatching(/^Day one:\s?$/) })
  await expect.poll(reply).toContainEqual(words)
  await run.cancel()
  expect(await run.finished).toMatchObject({ reason: 'cancelled' })
  expect(reply()).toContainEqual(words)
  gate.resolve()
  await Promise.all([session.close(), agent.close()])
  for (const client of [alice!, bot!]) client.close()
})
