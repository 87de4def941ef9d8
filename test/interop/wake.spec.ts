import { createChatTransport, createClientSession as createPeerSession } from '@ably/ai-transport/vercel'
import type { UIMessage } from 'ai'
import { expect, it, onTestFinished } from 'vitest'
import { createClientSession, UIMessageCodec } from '../../src'
import { HandModel } from '../support/hand-model'
import { startEndpoint } from '../support/local'
import { agree, newcomersAgree } from './agree'
import { ourEndpoint, peerEndpoint } from './endpoints'
import { ourUser } from './ours'
import { startRoom, pairings } from './room'

const url = 'http://agent.test/api/chat'

it("our client wakes the peer's agent, which streams a model's answer", async () => {
  const room = await startRoom(pairings[0]!)
  const model = new HandModel()
  const fetch = peerEndpoint(() => room.endpoint.client({ clientId: 'agent' }), model)
  const { channelName } = room
  const client = room.endpoint.client({ clientId: 'waking' })
  const session = createClientSession({ client, channelName, codec: UIMessageCodec, agent: { url, fetch } })
  onTestFinished(() => session.close())
  await session.connect()
  const run = await session.view.send('Three days?')
  const call = await model.call(0)
  expect(call.transcript).toEqual(['user: Three days?'])
  expect(run.wake?.state).toBe('accepted')
  call.say('One ', 'two')
  await agree(room, ['user: Three days?', 'assistant: One two', 'runs: active'])
  await run.cancel()
  expect(await run.finished).toEqual({ reason: 'cancelled' })
  expect(call.isStopped).toBe(true)
  const next = await session.view.send('Five, then')
  const second = await model.call(1)
  second.say('Five.')
  second.finish()
  expect(await next.finished).toEqual({ reason: 'complete' })
  const lines = ['user: Three days?', 'assistant: One two', 'user: Five, then', 'assistant: Five.']
  await agree(room, [...lines, 'runs: cancelled, complete'])
  await newcomersAgree(room, [...lines, 'runs: cancelled, complete'])
})

it("the peer's client wakes our agent, which streams a model's answer", async () => {
  const room = await startRoom(pairings[1]!)
  const model = new HandModel()
  const wake = ourEndpoint(room.endpoint.client({ clientId: 'agent' }), model)
  const sent = await room.peers.send('Three days?')
  const headers = { 'content-type': 'application/json' }
  const response = await wake(url, { method: 'POST', headers, body: JSON.stringify(sent.call) })
  expect(response.status).toBe(202)
  await sent.started
  expect(await response.json()).toMatchObject({ runId: sent.runId })
  const call = await model.call(0)
  expect(call.transcript).toEqual(['user: Three days?'])
  call.say('One ', 'two')
  await agree(room, ['user: Three days?', 'assistant: One two', 'runs: active'])
  call.finish()
  const lines = ['user: Three days?', 'assistant: One two', 'runs: complete']
  await agree(room, lines)
  await newcomersAgree(room, lines)
})

it("the peer's useChat transport gets its chunks from our agent", async () => {
  const endpoint = await startEndpoint()
  const model = new HandModel()
  const channelName = 'ai:use-chat'
  const session = createPeerSession({ client: endpoint.client({ clientId: 'peer' }), channelName })
  // NOTE: without a rollup of appends, whose last one may come behind the `finish` at which this transport stops reading
  const agentClient = endpoint.client({ clientId: 'agent' }, { transportParams: { appendRollupWindow: 0 } })
  const fetch = ourEndpoint(agentClient, model)
  const transport = createChatTransport(session, { api: url, fetch })
  onTestFinished(() => transport.close())
  await session.connect()
  const ours = await ourUser(endpoint.client({ clientId: 'ours' }), channelName)
  const message: UIMessage = { id: 'q', role: 'user', parts: [{ type: 'text', text: 'Three days?' }] }
  const stream = await transport.sendMessages({
    chatId: 'chat',
    trigger: 'submit-message',
    messageId: undefined,
    messages: [message],
    abortSignal: undefined,
  })
  const call = await model.call(0)
  call.say('One ', 'two')
  call.finish()
  const types: string[] = []
  for await (const chunk of stream) types.push(chunk.type)
  const text = ['text-start', 'text-delta', 'text-delta', 'text-end']
  expect(types).toEqual(['start', 'start-step', ...text, 'finish-step', 'finish'])
  await expect.poll(() => ours.shown().runs.map(({ status }) => status)).toEqual(['complete'])
})
