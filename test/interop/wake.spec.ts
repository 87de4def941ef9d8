import { createChatTransport, createClientSession as createPeerSession } from '@ably/ai-transport/vercel'
import type { LanguageModel, UIMessage, UIMessageChunk } from 'ai'
import { expect, it, onTestFinished } from 'vitest'
import { createClientSession, UIMessageCodec } from '../../src'
import { HandModel } from '../support/hand-model'
import { startEndpoint } from '../support/local'
import { agree, newcomersAgree, plain, told } from './agree'
import { ourEndpoint, peerEndpoint } from './endpoints'
import { callingModel } from './model'
import { ourUser } from './ours'
import { startRoom, pairings } from './room'

const url = 'http://agent.test/api/chat'

it("our client wakes the peer's agent, which streams a model's reply", async () => {
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

it("the peer's client wakes our agent, which streams a model's reply", async () => {
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

/** The peer's transport for `useChat`, with our agent behind its URL, and a client of ours that watches. */
async function useChat(channelName: string, model: LanguageModel) {
  const endpoint = await startEndpoint()
  const session = createPeerSession({ client: endpoint.client({ clientId: 'peer' }), channelName })
  // NOTE: without a rollup of appends, whose last one may arrive after the `finish` at which this transport
  // stops reading
  const agentClient = endpoint.client({ clientId: 'agent' }, { transportParams: { appendRollupWindow: 0 } })
  const transport = createChatTransport(session, { api: url, fetch: ourEndpoint(agentClient, model) })
  onTestFinished(() => transport.close())
  await session.connect()
  const ours = await ourUser(endpoint.client({ clientId: 'ours' }), channelName)
  const send = (messages: UIMessage[]) =>
    transport.sendMessages({
      chatId: 'chat',
      trigger: 'submit-message',
      messageId: undefined,
      messages,
      abortSignal: undefined,
    })
  return { ours, send }
}

const question: UIMessage = { id: 'q', role: 'user', parts: [{ type: 'text', text: 'Three days?' }] }

async function typesOf(stream: ReadableStream<UIMessageChunk>): Promise<string[]> {
  const types: string[] = []
  for await (const { type } of stream) types.push(type)
  return types
}

it("the peer's useChat transport gets its chunks from our agent", async () => {
  const model = new HandModel()
  const { ours, send } = await useChat('ai:use-chat', model)
  const stream = await send([question])
  const call = await model.call(0)
  call.say('One ', 'two')
  call.finish()
  const text = ['text-start', 'text-delta', 'text-delta', 'text-end']
  expect(await typesOf(stream)).toEqual(['start', 'start-step', ...text, 'finish-step', 'finish'])
  await expect.poll(() => told(ours)).toEqual(['user: Three days?', 'assistant: One two', 'runs: complete'])
})

it.each([
  ['a tool', ['c', 'place', { near: 'Lisbon' }], { state: 'output-available', output: 'Alfama' }, 'output-available'],
  ['an approval', ['c', 'pay', { amount: 5 }], { state: 'approval-responded' }, 'output-available'],
] as const)("the peer's useChat transport answers %s of our suspended agent", async (_, call, said, state) => {
  const model = callingModel([call], 'Done.')
  const { ours, send } = await useChat(`ai:use-chat-${call[1]}`, model)
  await typesOf(await send([question]))
  await expect.poll(() => told(ours).at(-1)).toBe('runs: suspended')
  const reply = plain(ours.shown()).messages.at(-1)!.message
  const part = reply.parts.at(-1) as { approval?: { id: string; approved?: boolean } }
  Object.assign(part, said, part.approval && { approval: { ...part.approval, approved: true } })
  const types = await typesOf(await send([question, reply]))
  expect(types.slice(-4)).toEqual(['text-delta', 'text-end', 'finish-step', 'finish'])
  const lines = ['user: Three days?', `assistant: [tool-${call[1]} ${state}]`, 'assistant: Done.', 'runs: complete']
  await expect.poll(() => told(ours)).toEqual(lines)
})
