import type * as Ably from 'ably'
import { convertToModelMessages, isToolUIPart, jsonSchema, streamText, tool } from 'ai'
import { expect, it } from 'vitest'
import { UIMessageCodec } from '../../src'
import { eventually } from '../support/eventually'
import { handFed, streamOf, textChunks } from '../support/agent'
import { HandModel } from '../support/hand-model'
import { startScene, statuses, type Scene } from '../support/scene'
import { asking } from '../support/tools'

/** A tool that asks before it runs, and the inputs that it was run with. */
function aTool() {
  const executed: unknown[] = []
  const getLocation = tool({
    inputSchema: jsonSchema({ type: 'object' }),
    needsApproval: true,
    execute: (input) => `Oslo ${executed.push(input)}`,
  })
  return { executed, getLocation }
}

it('an approved call runs, also if a message was sent into the run while the approval was open', async () => {
  const model = new HandModel()
  const { executed, getLocation } = aTool()
  let isAsking = true
  const scene = await startScene('approved-calls', {
    async respond(run) {
      if (isAsking) {
        isAsking = false
        await run.pipe(streamOf(asking('allowed')))
        return
      }
      const messages = await convertToModelMessages(run.context())
      const result = streamText({ model, messages, tools: { getLocation }, abortSignal: run.abortSignal })
      await run.pipe(result.toUIMessageStream())
    },
  })
  const alice = await scene.open('alice')
  const run = await alice.view.send('Where am I?')
  await eventually(() => expect(statuses(alice)).toEqual(['suspended']))
  const steer = run.steer('By GPS')
  await steer.published
  const reply = alice.view.getMessages().find(({ message }) => message.role === 'assistant')!.id
  await alice.view.answer(reply, UIMessageCodec.createToolApproval({ toolCallId: 'allowed', approved: true }))
  const call = await model.call(0)
  expect(call.transcript).toEqual(['user: Where am I?By GPS', 'assistant: ', 'tool: '])
  call.say('In Oslo.')
  call.finish()
  expect(await run.finished).toEqual({ reason: 'complete' })
  expect(executed).toEqual([{ precise: true }])
  expect(await steer.outcome).toMatchObject({ consumed: true })
  await alice.view.send('And now?')
  expect((await model.call(1)).transcript).toEqual([
    'user: Where am I?',
    'assistant: ',
    'tool: ',
    'assistant: [This answer ended here.]',
    'user: By GPS',
    'assistant: In Oslo.',
    'user: And now?',
  ])
})

it('an approved call runs, also if the approval arrives after its run has gone on', async () => {
  const model = new HandModel()
  const { executed, getLocation } = aTool()
  const scene = await startScene('approved-late', {
    async respond(run) {
      await run.pipe(streamOf(asking('allowed')))
      await run.pipe(textChunks(['Meanwhile.']))
      await eventually(() => expect(JSON.stringify(run.context())).toContain('"approved":true'))
      const messages = await convertToModelMessages(run.context())
      const result = streamText({ model, messages, tools: { getLocation }, abortSignal: run.abortSignal })
      await run.pipe(result.toUIMessageStream())
    },
  })
  const alice = await scene.open('alice')
  const run = await alice.view.send('Where am I?')
  await eventually(() => expect(alice.view.getMessages()).toHaveLength(3))
  const reply = alice.view.getMessages()[1]!.id
  await alice.view.answer(reply, UIMessageCodec.createToolApproval({ toolCallId: 'allowed', approved: true }))
  const call = await model.call(0)
  expect(call.transcript).toEqual(['user: Where am I?', 'assistant: Meanwhile.', 'tool: '])
  call.say('In Oslo.')
  call.finish()
  expect(await run.finished).toEqual({ reason: 'complete' })
  expect(executed).toEqual([{ precise: true }])
})

/** An agent that answers steers in further passes; a steer makes it go on while a call waits for approval. */
async function lastPassBeforeAnswer(name: string, clientOptions: { echoMessages?: boolean } = {}) {
  const model = new HandModel()
  const { executed, getLocation } = aTool()
  const first = handFed()
  const passes = [first.stream]
  const clients: Ably.Realtime[] = []
  const scene: Scene = await startScene(name, {
    client: () => {
      clients.push(scene.endpoint.client({ clientId: 'agent', ...clientOptions }))
      return clients.at(-1)!
    },
    async respond(run) {
      while (run.hasInput()) {
        const messages = await convertToModelMessages(run.context())
        const { abortSignal } = run
        await run.pipe(
          passes.shift() ?? streamText({ model, messages, tools: { getLocation }, abortSignal }).toUIMessageStream(),
        )
      }
    },
  })
  const alice = await scene.open('alice')
  const run = await alice.view.send('Where am I?')
  first.push(...asking('allowed'))
  await eventually(() => expect(alice.view.getMessages()).toHaveLength(2))
  const agentHears = (inputs: number) =>
    new Promise<void>((resolve) => {
      void clients[0]!.channels.get(scene.channelName).subscribe('ai-input', () => --inputs === 0 && resolve())
    })
  const steered = agentHears(1)
  await alice.steer(run.runId, 'By GPS').published
  await steered
  first.end()
  const last = await model.call(0)
  last.say('Wait.')
  const reply = alice.view.getMessages().find(({ message }) => message.parts.some(isToolUIPart))!.id
  const answer = (approved: boolean) =>
    alice.view.answer(reply, UIMessageCodec.createToolApproval({ toolCallId: 'allowed', approved }))
  const answerHeard = async (approved: boolean) => {
    const heard = agentHears(1)
    const handle = await answer(approved)
    await heard
    return handle
  }
  return { scene, model, last, executed, run, alice, answer, answerHeard }
}

it.each([
  ['approved-last', {}],
  ['approved-deaf', { echoMessages: false }],
])(
  'an approved call runs, also if the approval arrives during the last pass of its run (%s)',
  async (name, options) => {
    const { model, last, executed, run, alice, answerHeard } = await lastPassBeforeAnswer(name, options)
    const answered = await answerHeard(true)
    last.finish()
    const call = await model.call(1)
    expect(call.transcript).toEqual(['user: Where am I?By GPS', 'assistant: Wait.', 'tool: '])
    call.say('In Oslo.')
    call.finish()
    expect(await answered.finished).toEqual({ reason: 'complete' })
    expect(await run.finished).toEqual({ reason: 'complete' })
    expect(executed).toEqual([{ precise: true }])
    expect(alice.view.pending()).toEqual([])
  },
)

it.each([
  ['approved-after', {}],
  ['approved-after-deaf', { echoMessages: false }],
])('a run with a call that waits for approval does not end before it has one (%s)', async (name, options) => {
  const { model, last, executed, run, alice, answer } = await lastPassBeforeAnswer(name, options)
  last.finish()
  await eventually(() => expect(statuses(alice)).toEqual(['suspended']))
  const answered = await answer(true)
  const call = await model.call(1)
  call.finish()
  expect(await answered.finished).toEqual({ reason: 'complete' })
  expect(await run.finished).toEqual({ reason: 'complete' })
  expect(executed).toEqual([{ precise: true }])
})

it('an approved call runs, also if the approval and the end of the last pass cross', async () => {
  const { scene, model, last, executed, run, alice, answer } = await lastPassBeforeAnswer('approved-crossing')
  const watcher = await scene.open('watcher')
  const thaw = scene.endpoint.freeze('alice')
  const answering = answer(true)
  last.finish()
  await eventually(() => expect(statuses(watcher)).not.toEqual(['active']))
  expect(statuses(alice)).toEqual(['active'])
  thaw()
  const answered = await answering
  const call = await model.call(1)
  call.finish()
  expect(await answered.finished).toEqual({ reason: 'complete' })
  expect(await run.finished).toEqual({ reason: 'complete' })
  expect(executed).toEqual([{ precise: true }])
})

it('the model is told of a denial during the last pass of its run', async () => {
  const { model, last, executed, run, answerHeard } = await lastPassBeforeAnswer('denied-last')
  await answerHeard(false)
  last.finish()
  const call = await model.call(1)
  call.finish()
  expect(await run.finished).toEqual({ reason: 'complete' })
  expect(executed).toEqual([])
})

it('the model is told of a denial after the last pass of its run', async () => {
  const { model, last, executed, run, alice, answer } = await lastPassBeforeAnswer('denied-after')
  last.finish()
  await eventually(() => expect(statuses(alice)).toEqual(['suspended']))
  await answer(false)
  const call = await model.call(1)
  call.finish()
  expect(await run.finished).toEqual({ reason: 'complete' })
  expect(executed).toEqual([])
})

it('a call can be answered although the model has used its id before in the run', async () => {
  let count = 0
  const scene = await startScene('id-again', {
    async respond(run) {
      await run.pipe(++count < 3 ? asking('allowed').slice(1) : textChunks(['Done.']))
    },
  })
  const alice = await scene.open('alice')
  const bob = await scene.open('bob')
  const run = await alice.view.send('Where am I?')
  const states = (session: typeof alice) =>
    session.view.getMessages().flatMap(({ message }) => message.parts.filter(isToolUIPart).map(({ state }) => state))
  const approve = async (session: typeof alice) => {
    const reply = session.view.getMessages().at(-1)!.id
    await session.view.answer(reply, UIMessageCodec.createToolApproval({ toolCallId: 'allowed', approved: true }))
  }
  await eventually(() => expect(alice.view.run(run.runId)?.status).toBe('suspended'))
  await approve(alice)
  await eventually(() => expect(states(bob)).toEqual(['approval-responded', 'approval-requested']))
  await eventually(() => expect(bob.view.run(run.runId)?.status).toBe('suspended'))
  await approve(bob)
  expect(await run.finished).toEqual({ reason: 'complete' })
  await eventually(() => expect(states(bob)).toEqual(['approval-responded', 'approval-responded']))
  expect(states(alice)).toEqual(states(bob))
  expect([alice.error, bob.error]).toEqual([undefined, undefined])
})

it('a run ends although an earlier pipe of it has failed inside a call', async () => {
  const scene = await startScene('failed-inside', {
    async respond(run) {
      const failing = handFed()
      const piping = run.pipe(failing.stream)
      failing.push(...asking('broken').slice(0, 4))
      failing.fail(new Error('no network'))
      await piping
      await run.pipe(textChunks(['In Oslo.']))
    },
  })
  const alice = await scene.open('alice')
  const run = await alice.view.send('Where am I?')
  expect(await run.finished).toEqual({ reason: 'complete' })
  const calls = alice.view.getMessages().flatMap(({ message }) => message.parts.filter(isToolUIPart))
  expect(calls.map(({ state }) => state)).toEqual(['input-available'])
})
