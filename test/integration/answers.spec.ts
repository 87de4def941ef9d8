import type { UIMessage, UIMessageChunk } from 'ai'
import { describe, expect, it } from 'vitest'
import { UIMessageCodec, type InvocationBody, type RunInfo } from '../../src'
import { startConversation } from '../support/conversation'
import { eventually } from '../support/eventually'
import { handFed, joinWire, textChunks, transportOf, type HandFed } from '../support/agent'
import { openSession } from '../support/open-session'
import { shown, startScene, statuses } from '../support/scene'
import { answerTo, asking } from '../support/tools'

const output = (toolCallId: string, value: unknown) => UIMessageCodec.createToolOutput({ toolCallId, output: value })

/** A run that has called client tools and is suspended until they have outputs. */
async function aRunThatWaits(name: string, toolCallIds = ['call-1']) {
  const scene = await startConversation(`ai:${name}`)
  const woken: InvocationBody[] = []
  const session = await openSession(scene, 'alice', { agent: (invocation) => void woken.push(invocation) })
  const wire = await joinWire(scene.endpoint.client({ clientId: 'watcher' }), `ai:${name}`)
  const prompt = await session.view.send('Where am I?')
  const run = await scene.agent.startRun('run-1', prompt.inputId, 'alice')
  for (const toolCallId of toolCallIds) await run.call(toolCallId)
  await run.suspend()
  await eventually(() => expect(session.view.run('run-1')?.status).toBe('suspended'))
  return {
    ...scene,
    scene,
    session,
    wire,
    run,
    prompt,
    woken,
    inputs: () => wire.heard.filter((m) => m.name === 'ai-input'),
  }
}

const toolsOf = (message: UIMessage | undefined): unknown[] =>
  message?.parts.flatMap((part) =>
    'state' in part && 'toolCallId' in part ? [`${part.toolCallId} ${part.state}`] : [],
  ) ?? []

describe('an answer to a suspended run', () => {
  it('wakes the agent once all calls are answered, from any device', async () => {
    const { scene, session, run, woken, prompt } = await aRunThatWaits('one-by-one', ['call-1', 'call-2'])
    const bobs: InvocationBody[] = []
    const bob = await openSession(scene, 'bob', { agent: (invocation) => void bobs.push(invocation) })
    await bob.view.loadOlder(10)
    await session.view.answer(run.messageId, output('call-1', 1))
    await eventually(() => expect(toolsOf(bob.view.snapshot(run.messageId))[0]).toBe('call-1 output-available'))
    expect(session.view.pending()).toEqual([])
    expect(woken).toEqual([prompt.toInvocation()])
    const last = await bob.view.answer(run.messageId, output('call-2', 2))
    await eventually(() => expect(bobs).toEqual([last.toInvocation()]))
    expect(woken).toEqual([prompt.toInvocation()])
    await eventually(() => expect(bob.view.pending()).toMatchObject([{ inputId: run.messageId, runId: 'run-1' }]))
  })

  it('is refused if the call already has an answer, even one that is still being sent', async () => {
    const { session, run, inputs } = await aRunThatWaits('twice')
    const first = session.view.answer(run.messageId, output('call-1', 1))
    await expect(session.view.answer(run.messageId, output('call-1', 2))).rejects.toMatchObject({ code: 40003 })
    await first
    await eventually(() => expect(inputs()).toHaveLength(2))
    await expect(session.view.answer(run.messageId, output('call-1', 3))).rejects.toMatchObject({ code: 40003 })
    expect(inputs()).toHaveLength(2)
  })

  it('is a message of its own, wakes the agent if it is the last one, and resumes the run', async () => {
    const { session, run, woken, inputs, prompt } = await aRunThatWaits('continued', ['call-1', 'call-2'])
    const active = await session.view.answer(run.messageId, [output('call-1', 1), output('call-2', 2)])
    expect(active).toMatchObject({ runId: 'run-1', inputId: run.messageId, status: 'suspended' })
    await eventually(() => expect(inputs()).toHaveLength(3))
    await eventually(() =>
      expect(toolsOf(session.view.snapshot(run.messageId))).toEqual([
        'call-1 output-available',
        'call-2 output-available',
      ]),
    )
    expect(session.view.getMessages().at(-1)).toMatchObject({ id: run.messageId, state: 'complete' })
    const [, ...answers] = inputs()
    expect(answers.map((message) => message.data)).toEqual([{ output: 1 }, { output: 2 }])
    for (const message of answers) {
      expect(transportOf(message)).toEqual({
        role: 'user',
        'codec-message-id': run.messageId,
        'run-id': 'run-1',
        'run-client-id': 'alice',
        parent: run.messageId,
        'event-id': expect.any(String) as string,
        stream: 'false',
      })
    }
    const eventIds = answers.map((message) => transportOf(message)['event-id'])
    expect(new Set(eventIds).size).toBe(2)
    expect(active.toInvocation()).toEqual({ inputEventId: eventIds[1], sessionName: 'ai:continued' })
    await eventually(() => expect(woken).toEqual([prompt.toInvocation(), active.toInvocation()]))

    await run.resume(run.messageId)
    await active.started
    await run.say('second', 'In Oslo')
    await run.end()
    expect(await active.finished).toEqual({ reason: 'complete' })
    expect(await prompt.finished).toEqual({ reason: 'complete' })
    expect(active.status).toBe('complete')
    expect(active.messages.map(({ id }) => id)).toEqual(['run-1-reply', 'second'])
    expect(toolsOf(session.view.snapshot('run-1-reply'))).toEqual([
      'call-1 output-available',
      'call-2 output-available',
    ])
  })

  it('fault 13: two of them, to one message, both resume', async () => {
    const { session, run } = await aRunThatWaits('twice', ['call-1', 'call-2'])
    const first = await session.view.answer(run.messageId, output('call-1', 1))
    const second = await session.view.answer(run.messageId, output('call-2', 2))
    let hasSecondStarted = false
    void second.started.then(() => (hasSecondStarted = true))
    await run.resume(run.messageId)
    await Promise.all([first.started, second.started])
    await run.end()
    expect(await Promise.all([first.finished, second.finished])).toEqual([
      { reason: 'complete' },
      { reason: 'complete' },
    ])
    expect(hasSecondStarted).toBe(true)
  })

  it('is not counted as started by an earlier resume', async () => {
    const { session, run } = await aRunThatWaits('before', ['call-1', 'call-2'])
    const first = await session.view.answer(run.messageId, output('call-1', 1))
    await run.resume(run.messageId)
    await first.started
    await run.suspend()
    await eventually(() => expect(session.view.run('run-1')?.status).toBe('suspended'))
    const second = await session.view.answer(run.messageId, output('call-2', 2))
    let hasStarted = false
    void second.started.then(() => (hasStarted = true))
    await run.part({ kind: 'data-note' }, 'still waiting')
    await eventually(() => expect(session.view.snapshot(run.messageId)?.parts).toHaveLength(4))
    expect(hasStarted).toBe(false)
    await run.resume(run.messageId)
    await second.started
  })

  it('is cancelled by a cancel of its run or of the answered message', async () => {
    const { session, run, wire } = await aRunThatWaits('stopped')
    const active = await session.view.answer(run.messageId, output('call-1', 1))
    await active.cancel()
    const cancel = await wire.hears((message) => message.name === 'ai-cancel')
    expect(transportOf(cancel)).toMatchObject({ 'run-id': 'run-1', 'input-codec-message-id': run.messageId })
    await eventually(() => expect(session.view.run('run-1')?.cancelling?.by).toBe('alice'))
  })

  it('is refused for a message of no run, for no answers, and after the end of the run', async () => {
    const { session, run, prompt } = await aRunThatWaits('refused')
    const { view } = session
    const refusals = [
      view.answer('nothing', output('call-1', 1)),
      view.answer(prompt.inputId, output('call-1', 1)),
      view.answer(run.messageId, []),
    ]
    for (const refused of refusals) await expect(refused).rejects.toMatchObject({ code: 40003 })
    await run.end()
    await prompt.finished
    await expect(view.answer(run.messageId, output('call-1', 1))).rejects.toMatchObject({
      code: 40003,
      message: "unable to answer; the run that asked has ended; { as: 'fork' } goes on from a copy of it",
    })
    // @ts-expect-error an answer is no prompt
    await expect(view.send(output('call-1', 1))).rejects.toMatchObject({ code: 40003 })
  })

  it('is refused if the reply has no such call or asks for no approval, unless it is still being written', async () => {
    const { session, run, inputs, prompt } = await aRunThatWaits('unknown-call')
    const { view } = session
    const approval = UIMessageCodec.createToolApproval({ toolCallId: 'call-1', approved: true })
    for (const refused of [output('call-2', 1), [output('call-1', 1), output('call-2', 1)], approval])
      for (const as of ['continuation', 'fork'] as const)
        await expect(view.answer(run.messageId, refused, { as })).rejects.toMatchObject({
          code: 40003,
          message: 'unable to answer; the message has no such call, or asks for no approval of it',
        })
    expect(inputs()).toHaveLength(1)
    await run.resume(prompt.inputId)
    await eventually(() => expect(view.run('run-1')?.status).toBe('active'))
    await view.answer(run.messageId, output('call-2', 'Oslo'))
    await run.call('call-2')
    await eventually(() =>
      expect(view.snapshot(run.messageId)?.parts.at(-1)).toMatchObject({ toolCallId: 'call-2', output: 'Oslo' }),
    )
  })

  it('whose agent cannot be woken is reported by the session, since no message shows it', async () => {
    const scene = await aRunThatWaits('unheard')
    const replies = [new Response('no seat left', { status: 403 }), new Response(null, { status: 202 })]
    const session = await openSession(scene.scene, 'bob', {
      agent: { url: 'http://agent.test/', fetch: async () => replies.shift()! },
    })
    await session.view.loadOlder(10)
    const told: string[] = []
    session.on('error', (error) => told.push(error.message))
    const active = await session.view.answer(scene.run.messageId, output('call-1', 1))
    await expect(active.started).rejects.toThrow('no seat left')
    expect(told).toEqual([expect.stringContaining('no seat left')])
    expect(active.wake?.state).toBe('failed')
    await active.retry()
    await scene.run.resume(scene.run.messageId)
    await active.started
  })

  it('that cannot be published rejects, and can be sent again', async () => {
    const { session, run, endpoint } = await aRunThatWaits('again')
    const restore = endpoint.refusePublish({ channel: 'ai:again', name: 'ai-input' })
    await expect(session.view.answer(run.messageId, output('call-1', 1))).rejects.toMatchObject({
      code: 104005,
      message: expect.stringMatching(/^unable to answer; /) as string,
    })
    restore()
    const active = await session.view.answer(run.messageId, output('call-1', 1))
    await run.resume(run.messageId)
    await active.started
    expect(shown(session)).toEqual(['sent: Where am I?', 'streaming: '])
  })
})

describe('answers of two users to one call', () => {
  const decide = (approved: boolean) => UIMessageCodec.createToolApproval({ toolCallId: 'call-1', approved })

  async function twoAnswers(name: string) {
    const waiting = await aRunThatWaits(name, [])
    await waiting.run.resume(waiting.prompt.inputId)
    await waiting.run.call('call-1', 'pay')
    await waiting.run.part({ kind: 'tool-approval-request', toolCallId: 'call-1', approvalId: 'a' }, '')
    await waiting.run.suspend()
    const bobsWakes: InvocationBody[] = []
    const bob = await openSession(waiting.scene, 'bob', { agent: (invocation) => void bobsWakes.push(invocation) })
    await bob.view.loadOlder(10)
    await eventually(() => expect(bob.view.run('run-1')?.status).toBe('suspended'))
    return { ...waiting, bob, bobsWakes }
  }

  it('the later user learns who answered first, wakes no agent, and changes nothing', async () => {
    const { scene, session, run, bob, bobsWakes } = await twoAnswers('two-people')
    const release = scene.endpoint.delayPublish({ clientId: 'bob' })
    const late = bob.view.answer(run.messageId, decide(true))
    await session.view.answer(run.messageId, decide(false))
    release()
    await expect(late).rejects.toMatchObject({
      code: 40003,
      message: 'unable to answer; already answered by alice: denied',
    })
    expect(bobsWakes).toEqual([])
    for (const each of [session, bob])
      expect(toolsOf(each.view.snapshot(run.messageId))).toEqual(['call-1 output-denied'])
    await expect(bob.view.answer(run.messageId, decide(true))).rejects.toThrow('already answered by alice: denied')
    await expect(session.view.answer(run.messageId, output('call-1', 1))).rejects.toThrow('by alice: denied')
  })

  it('a user who answers offline learns it when the channel is attached again', async () => {
    const { scene, session, run, bob } = await twoAnswers('two-people-offline')
    const restore = scene.endpoint.dropConnection('bob', { refuseFor: Infinity })
    const late = bob.view.answer(run.messageId, decide(false))
    await session.view.answer(run.messageId, decide(true))
    restore()
    await expect(late).rejects.toThrow('unable to answer; already answered by alice: approved')
    await eventually(() => expect(toolsOf(bob.view.snapshot(run.messageId))).toEqual(['call-1 approval-responded']))
  })
})

it('the sender of the first answer on the channel learns it if the agent has gone on with a later one', async () => {
  const { scene, session, wire, run } = await aRunThatWaits('two-sites')
  const told: string[] = []
  session.on('error', ({ message }) => told.push(message))
  const bob = await openSession(scene, 'bob')
  await bob.view.loadOlder(10)
  const active = await session.view.answer(run.messageId, output('call-1', 'Oslo'))
  // Bob answers before Alice's answer reaches him
  const transport = { role: 'user', 'codec-message-id': run.messageId, 'run-id': 'run-1', 'event-id': 'from-bob' }
  const codec = { kind: 'tool-result', toolCallId: 'call-1' }
  const { channel } = await joinWire(scene.endpoint.client({ clientId: 'bob' }), 'ai:two-sites')
  await channel.publish({ name: 'ai-input', data: { output: 'Rome' }, extras: { ai: { transport, codec } } })
  const { serial } = await wire.hears((message) => transportOf(message)['event-id'] === 'from-bob')
  await run.resume(run.messageId, { 'answer-serials': JSON.stringify([serial]) })
  await expect(active.started).rejects.toThrow('unable to answer; already answered by bob: output')
  expect(told).toEqual(['unable to answer; already answered by bob: output'])
  for (const { view } of [session, bob]) {
    await eventually(() => expect(view.snapshot(run.messageId)?.parts.at(-1)).toMatchObject({ output: 'Rome' }))
  }
  await run.end()
  expect(await active.finished).toEqual({ reason: 'complete' })
})

it('the sender of two answers learns of each one that does not count, also if that shows at two times', async () => {
  const { scene, session, wire, run } = await aRunThatWaits('two-late', ['call-1', 'call-2'])
  const told: string[] = []
  session.on('error', ({ message }) => told.push(message))
  const { channel } = await joinWire(scene.endpoint.client({ clientId: 'bob' }), 'ai:two-late')
  const answerAsBob = async (toolCallId: string, eventId: string): Promise<string> => {
    const transport = { role: 'user', 'codec-message-id': run.messageId, 'run-id': 'run-1', 'event-id': eventId }
    const codec = { kind: 'tool-result', toolCallId }
    await channel.publish({ name: 'ai-input', data: { output: 'Rome' }, extras: { ai: { transport, codec } } })
    return (await wire.hears((message) => transportOf(message)['event-id'] === eventId)).serial!
  }
  const restore = scene.endpoint.dropConnection('alice', { refuseFor: Infinity })
  const answering = session.view.answer(run.messageId, [output('call-1', 'Oslo'), output('call-2', 'Oslo')])
  await answerAsBob('call-1', 'bobs-first')
  restore()
  await answering
  expect(told).toEqual(['unable to answer; already answered by bob: output'])
  const serial = await answerAsBob('call-2', 'bobs-second')
  await run.resume(run.messageId, { 'answer-serials': JSON.stringify([serial]) })
  await run.say('second', 'In Rome')
  await run.end()
  await eventually(() => expect(session.view.run('run-1')?.status).toBe('complete'))
  expect(told).toEqual(Array(2).fill('unable to answer; already answered by bob: output'))
})

describe('an answer in a fork', () => {
  it('copies the messages into a run that replaces the suspended one', async () => {
    const { session, run, inputs, prompt } = await aRunThatWaits('forked')
    const active = await session.view.answer(run.messageId, output('call-1', { city: 'Oslo' }), { as: 'fork' })
    expect(active.runId).toBe('')
    await eventually(() => expect(inputs()).toHaveLength(2))
    const [, message] = inputs()
    expect(transportOf(message!)).toEqual({
      role: 'assistant',
      'codec-message-id': active.inputId,
      'run-client-id': 'alice',
      parent: prompt.inputId,
      supersedes: 'run-1',
      'event-id': active.inputEventId,
      stream: 'false',
    })
    expect(message!.data).toEqual({
      output: { city: 'Oslo' },
      forkSeed: {
        messages: [{ codecMessageId: active.inputId, message: session.view.snapshot(run.messageId) }],
      },
    })
  })

  it('shows on all devices instead of the suspended run, whose handle continues', async () => {
    const { scene, session, run, agent, prompt } = await aRunThatWaits('replaced')
    const device = await openSession(scene, 'bob')
    await device.view.loadOlder(10)
    expect(device.view.runs().map(({ runId }) => runId)).toEqual(['run-1'])
    const active = await session.view.answer(run.messageId, output('call-1', { city: 'Oslo' }), { as: 'fork' })
    const onBoth = async (lines: string[], runIds: string[]) => {
      for (const { view } of [session, device]) {
        await eventually(() => expect(view.runs().map(({ runId }) => runId)).toEqual(runIds))
        await eventually(() => expect(shown({ view } as typeof session)).toEqual(lines))
      }
    }
    await onBoth(['sent: Where am I?', 'complete: '], [])
    expect(session.view.pending().map(({ inputId }) => inputId)).toEqual([active.inputId])
    expect(active.status).toBe('pending')

    const next = await agent.startRun('run-2', active.inputId, 'alice', { parent: prompt.inputId })
    await active.started
    await next.say('second', 'In Oslo')
    await next.end()
    expect(await active.finished).toEqual({ reason: 'complete' })
    await onBoth(['sent: Where am I?', 'complete: ', 'complete: In Oslo'], ['run-2'])
    expect(active).toMatchObject({ runId: 'run-2', status: 'complete' })
    expect(toolsOf(device.view.snapshot(active.inputId))).toEqual(['call-1 output-available'])
  })

  it('takes further answers of all clients before its run starts, and the last one wakes the agent', async () => {
    const { scene, session, run, woken, inputs } = await aRunThatWaits('further', ['call-1', 'call-2'])
    expect(woken).toHaveLength(1)
    const bobs: InvocationBody[] = []
    const bob = await openSession(scene, 'bob', { agent: (invocation) => void bobs.push(invocation) })
    await bob.view.loadOlder(10)
    const { inputId } = await session.view.answer(run.messageId, output('call-1', 'Oslo'), { as: 'fork' })
    await eventually(() => expect(toolsOf(bob.view.snapshot(inputId))).toContain('call-1 output-available'))
    const last = await bob.view.answer(inputId, output('call-2', 'Rome'))
    expect(woken).toHaveLength(1)
    expect(bobs).toMatchObject([{ inputEventId: last.inputEventId }])
    await eventually(() => expect(inputs()).toHaveLength(3))
    expect(transportOf(inputs()[2]!)).toMatchObject({
      role: 'assistant',
      'codec-message-id': inputId,
      supersedes: 'run-1',
    })
    for (const { view } of [session, bob])
      await eventually(() =>
        expect(toolsOf(view.snapshot(inputId))).toEqual(['call-1 output-available', 'call-2 output-available']),
      )
  })

  it('waits for a user, not for an agent, while one of its calls has no answer', async () => {
    const { session, run, woken } = await aRunThatWaits('fork-waits', ['call-1', 'call-2'])
    const { inputId } = await session.view.answer(run.messageId, output('call-1', 'Oslo'), { as: 'fork' })
    expect([session.view.pending(), session.view.isRunning]).toEqual([[], false])
    await session.view.answer(inputId, output('call-2', 'Rome'))
    await eventually(() => expect(woken).toHaveLength(2))
    expect(session.view.pending()).toMatchObject([{ inputId }])
  })

  it('shows the failure of its wake while it is pending, however many answers it has', async () => {
    const { scene, run } = await aRunThatWaits('fork-wake', ['call-1', 'call-2'])
    const refusing = { url: 'http://agent.test/', fetch: async () => new Response('no', { status: 403 }) }
    const bob = await openSession(scene, 'bob', { agent: refusing })
    await bob.view.loadOlder(10)
    await bob.view.answer(run.messageId, [output('call-1', 1), output('call-2', 2)], { as: 'fork' })
    await eventually(() => expect(bob.view.pending()).toMatchObject([{ wake: { state: 'failed' } }]))
  })

  it('refuses a further answer that comes second, and tells its sender', async () => {
    const { scene, session, run } = await aRunThatWaits('fork-second', ['call-1', 'call-2'])
    const wokenBy: string[] = []
    const open = async (clientId: string) => {
      const opened = await openSession(scene, clientId, { agent: () => void wokenBy.push(clientId) })
      await opened.view.loadOlder(10)
      return opened
    }
    const [bob, carol] = [await open('bob'), await open('carol')]
    const { inputId } = await session.view.answer(run.messageId, output('call-1', 'Oslo'), { as: 'fork' })
    for (const { view } of [bob, carol])
      await eventually(() => expect(toolsOf(view.snapshot(inputId))).toContain('call-1 output-available'))
    const release = scene.endpoint.delayPublish({ clientId: 'carol' })
    const second = carol.view.answer(inputId, output('call-2', 'Carol'))
    await bob.view.answer(inputId, output('call-2', 'Bob'))
    release()
    await expect(second).rejects.toMatchObject({ code: 40003, message: /already answered by bob/ })
    await eventually(() => expect(wokenBy).toEqual(['bob']))
  })

  it('of another library that names no replaced run takes no further answer, and says so', async () => {
    const { scene, session, run } = await aRunThatWaits('fork-nameless', ['call-1', 'call-2'])
    const parts = ['call-1', 'call-2'].map((toolCallId) => ({
      type: 'tool-locate',
      toolCallId,
      state: 'input-available',
      input: {},
    }))
    const forkSeed = { messages: [{ codecMessageId: 'fork', message: { id: 'm1', role: 'assistant', parts } }] }
    const wire = await joinWire(scene.endpoint.client({ clientId: 'peer' }), 'ai:fork-nameless')
    await answerTo(wire, {
      reply: 'fork',
      toolCallId: 'call-1',
      output: 'Oslo',
      forkSeed,
      headers: { role: 'assistant' },
    })
    await eventually(() => expect(toolsOf(session.view.snapshot('fork'))).toContain('call-1 output-available'))
    await expect(session.view.answer('fork', output('call-2', 'Rome'))).rejects.toMatchObject({
      code: 40003,
      message: /its fork names no run/,
    })
    expect(session.view.run(run.runId)!.status).toBe('suspended')
  })

  it('starts one run, however many clients wake an agent for it, and no run that it has replaced goes on', async () => {
    let calls = 0
    const scene = await startScene('fork-once', {
      respond: async (run) => {
        if (++calls === 1) await run.pipe(asking('call-1', 'call-2'))
        else await run.pipe(textChunks([`run ${calls}`], 'm2'))
      },
    })
    const [alice, bob] = [await scene.open('alice', { wake: false }), await scene.open('bob', { wake: false })]
    const prompt = await alice.view.send('Where?')
    await scene.wake(prompt.inputEventId)
    for (const session of [alice, bob]) await eventually(() => expect(statuses(session)).toEqual(['suspended']))
    const [{ runId }] = alice.view.runs() as [RunInfo]
    const reply = alice.view.getMessages().at(-1)!.id
    const fork = await alice.view.answer(reply, output('call-1', 'Oslo'), { as: 'fork' })
    await eventually(() => expect(toolsOf(bob.view.snapshot(fork.inputId))).toContain('call-1 output-available'))
    const last = await bob.view.answer(fork.inputId, output('call-2', 'Rome'))
    await Promise.all([fork, last].map(({ inputEventId }) => scene.wake(inputEventId)))
    await eventually(() => expect(statuses(alice)).toEqual(['complete']))
    expect(shown(alice).at(-1)).toBe('complete: run 2')
    const late = await answerTo(await scene.wire(), { runId, reply, toolCallId: 'call-2', output: 'Rome' })
    expect((await scene.wake(late.inputEventId)).status).toBe(409)
    expect(calls).toBe(2)
  })

  it('that comes after another answer to its call shows nothing, and its sender learns which answer came first', async () => {
    const { scene, session, run } = await aRunThatWaits('late-fork')
    const bob = await openSession(scene, 'bob')
    await bob.view.loadOlder(10)
    const release = scene.endpoint.delayPublish({ clientId: 'bob' })
    const late = bob.view.answer(run.messageId, output('call-1', 'Rome'), { as: 'fork' })
    await session.view.answer(run.messageId, output('call-1', 'Oslo'))
    release()
    await expect(late).rejects.toThrow('unable to answer; already answered by alice: output')
    for (const { view } of [session, bob]) {
      expect(view.runs().map(({ runId }) => runId)).toEqual(['run-1'])
      expect(view.getMessages().at(-1)!.message.parts.at(-1)).toMatchObject({ output: 'Oslo' })
    }
  })

  it('continues a run that has ended, too', async () => {
    const { session, run, prompt, agent } = await aRunThatWaits('ended')
    await run.end()
    await prompt.finished
    const active = await session.view.answer(run.messageId, output('call-1', 1), { as: 'fork' })
    const next = await agent.startRun('run-2', active.inputId, 'alice', { parent: prompt.inputId })
    await next.say('second', 'So be it')
    await next.end()
    await active.finished
    await eventually(() => expect(shown(session).at(-1)).toBe('complete: So be it'))
    expect(session.view.runs().map(({ runId }) => runId)).toEqual(['run-2'])
  })

  it('is finished with an error if its agent refuses it, because another answer came first', async () => {
    const { scene, run } = await aRunThatWaits('lost')
    const refused = { error: { message: 'already answered by alice: output' } }
    const fetch = async () => Response.json(refused, { status: 409 })
    const bob = await openSession(scene, 'bob', { agent: { url: 'http://agent.test/', fetch } })
    await bob.view.loadOlder(10)
    const active = await bob.view.answer(run.messageId, output('call-1', 1), { as: 'fork' })
    await expect(active.started).rejects.toThrow('already answered by alice')
    const message = expect.stringContaining('already answered by alice')
    expect(await active.finished).toMatchObject({ reason: 'error', error: { message } })
  })

  it('is refused if its kind has no room for messages', async () => {
    const { session, run } = await aRunThatWaits('no-room')
    const approval = UIMessageCodec.createToolApproval({ toolCallId: 'call-1', approved: true })
    await expect(session.view.answer(run.messageId, approval, { as: 'fork' })).rejects.toMatchObject({ code: 40003 })
  })
})

it('an answer sent while the model still calls tools wakes the agent once, when the run is suspended', async () => {
  const sources: HandFed[] = []
  const contexts: UIMessage[][] = []
  const scene = await startScene('early', {
    respond(run) {
      contexts.push(run.context())
      sources.push(handFed())
      return run.pipe(sources.at(-1)!.stream)
    },
  })
  const { view } = await scene.open('alice')
  const prompt = await view.send('Where am I, and where is Bob?')
  const call = (toolCallId: string): UIMessageChunk => ({
    type: 'tool-input-available',
    toolCallId,
    toolName: 'look',
    input: {},
  })
  const tools = () => toolsOf(view.getMessages().at(-1)?.message)
  await eventually(() => expect(sources).toHaveLength(1))
  sources[0]!.push({ type: 'start' }, { type: 'start-step' }, call('c1'))
  await eventually(() => expect(tools()).toEqual(['c1 input-available']))
  const { id } = view.getMessages().at(-1)!
  await view.answer(id, output('c1', 'Oslo'))
  await eventually(() => expect(tools()).toEqual(['c1 output-available']))
  sources[0]!.push(call('c2'), { type: 'finish-step' }, { type: 'finish', finishReason: 'tool-calls' })
  sources[0]!.end()
  await eventually(() => expect(view.run(prompt.runId)?.status).toBe('suspended'))
  await view.answer(id, output('c2', 'Rome'))
  await eventually(() => expect(sources).toHaveLength(2))
  sources[1]!.push(...textChunks(['You are in Oslo.']).slice(1))
  sources[1]!.end()
  expect(await prompt.finished).toEqual({ reason: 'complete' })
  expect(contexts).toHaveLength(2)
  expect(JSON.stringify(contexts[1])).toContain('Rome')
})
