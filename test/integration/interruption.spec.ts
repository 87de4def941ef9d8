import { convertToModelMessages, streamText } from 'ai'
import { describe, expect, it, vi } from 'vitest'
import { effectScope, watchEffect } from 'vue'
import { UIMessageCodec, type RunEvent } from '../../src'
import { ownerOnly } from '../../src/agent'
import { demoModel } from '../../src/local'
import { named, transportOf } from '../support/agent'
import type { ModelCall } from '../support/hand-model'
import { eventually } from '../support/eventually'
import { shown, startScene, statuses } from '../support/scene'

const stopNote = 'assistant: One two [The user stopped this answer here.]'

describe('one run', () => {
  it('S7 S3 is created for every turn, with its own id', async () => {
    const { open, model } = await startScene('turns')
    const session = await open('alice')
    const first = await session.view.send('First')
    const call = await model.call(0)
    await first.started
    expect(first.status).toBe('active')
    call.say('Yes.')
    call.finish()
    expect(await first.finished).toEqual({ reason: 'complete' })
    const second = await session.view.send('Second')
    await second.started
    expect(second.runId).not.toBe(first.runId)
    expect(session.view.runs().map(({ runId, clientId }) => ({ runId, clientId }))).toEqual([
      { runId: first.runId, clientId: 'alice' },
      { runId: second.runId, clientId: 'alice' },
    ])
    expect(first.messages.map(({ message }) => message.parts.at(-1))).toEqual([{ type: 'text', text: 'Yes.' }])
  })

  it('S11 S12 S13 S19 S20 S21 S39 S41 stops on a cancel and ends as cancelled, and the next run starts clean', async () => {
    const { open, model, agentRuns, wire } = await startScene('stop')
    const session = await open('alice')
    const channel = await wire()
    const events: RunEvent[] = []
    session.view.on('run', (event) => events.push(event))
    const run = await session.view.send('Count')
    const call = await model.call(0)
    call.say('One ', 'two ')
    await eventually(() => expect(shown(session)).toEqual(['sent: Count', 'streaming: One two ']))

    await session.cancel(run.runId)
    const cancel = await channel.hears(named('ai-cancel'))
    expect(transportOf(cancel)).toEqual({ 'event-id': expect.any(String) as string, 'run-id': run.runId })
    expect(await run.finished).toEqual({ reason: 'cancelled' })
    expect(agentRuns[0]!.abortSignal.aborted).toBe(true)
    expect(call.signal!.aborted).toBe(true)
    expect(call.isStopped).toBe(true)
    expect(transportOf(await channel.hears(named('ai-run-end')))['run-reason']).toBe('cancelled')
    expect(shown(session)).toEqual(['sent: Count', 'cancelled: One two '])
    expect(events.map(({ type, runId, reason }) => ({ type, runId, reason }))).toEqual([
      { type: 'start', runId: run.runId, reason: undefined },
      { type: 'end', runId: run.runId, reason: 'cancelled' },
    ])

    const next = await session.view.send('Again')
    const nextCall = await model.call(1)
    expect(nextCall.signal!.aborted).toBe(false)
    nextCall.say('Fresh')
    nextCall.finish()
    expect(await next.finished).toEqual({ reason: 'complete' })
    expect(shown(session).at(-1)).toBe('complete: Fresh')
    expect(session.view.run(next.runId)!.error).toBeUndefined()
  })

  it('S8 is cancelled before it has started, and before its first token', async () => {
    const { open, model, wire } = await startScene('early')
    const quiet = await open('alice', { wake: false })
    const waking = await open('bob')
    const channel = await wire()
    const run = await quiet.view.send('Never mind')
    expect(quiet.view.pending().map(({ inputId }) => inputId)).toEqual([run.inputId])
    await run.cancel()
    await eventually(() => expect(quiet.view.pending()[0]!.cancelling).toMatchObject({ by: 'alice' }))
    const second = await waking.view.send('And now?')
    await second.started
    await second.cancel()
    expect(await second.finished).toEqual({ reason: 'cancelled' })
    expect(transportOf(await channel.hears(named('ai-run-end')))['run-reason']).toBe('cancelled')
    expect(model.calls.every((call) => call.signal!.aborted)).toBe(true)
    expect(statuses(waking)).toEqual(['cancelled'])
  })

  it('S29 S30 S42 S43 keeps tokens that come after its cancel; the new run gets none of them', async () => {
    const { open, model, agentRuns } = await startScene('tail', { onCancel: () => true })
    const session = await open('alice')
    const run = await session.view.send('Count')
    const call = await model.call(0)
    call.say('One ')
    await eventually(() => expect(shown(session).at(-1)).toBe('streaming: One '))
    const cancelled = session.cancel(run.runId)
    const next = session.view.send('Something else')
    call.say('two ', 'three ')
    expect(agentRuns[0]!.abortSignal.aborted).toBe(false)
    await cancelled
    expect(await run.finished).toEqual({ reason: 'cancelled' })
    const nextCall = await model.callFor('Something else')
    nextCall.say('Other')
    nextCall.finish()
    expect(await (await next).finished).toEqual({ reason: 'complete' })
    const [, first, , second] = shown(session)
    expect(first).toMatch(/^cancelled: One (two three )?$/)
    expect(second).toBe('complete: Other')
  })

  it('S40 stays active while it publishes nothing', async () => {
    const { open, model } = await startScene('silent')
    const session = await open('alice')
    const run = await session.view.send('Think')
    const call = await model.call(0)
    await new Promise((resolve) => setTimeout(resolve, 700))
    expect(run.status).toBe('active')
    call.say('Done')
    call.finish()
    expect(await run.finished).toEqual({ reason: 'complete' })
  })

  it('S39 ends with an error that gives the reason', async () => {
    const { open, model } = await startScene('fails')
    const session = await open('alice')
    const run = await session.view.send('Fail')
    const call = await model.call(0)
    call.say('Half')
    call.fail('model overloaded')
    expect(await run.finished).toMatchObject({
      reason: 'error',
      error: { message: expect.stringContaining('overloaded') as string },
    })
    expect(shown(session).at(-1)).toBe('error: Half')
  })
})

describe('cancel, then send', () => {
  it('S2 S5 S6 S10 works as in the short snippet', async () => {
    const { open, model, wire } = await startScene('snippet')
    const session = await open('alice')
    const other = await open('bob')
    const channel = await wire()
    const states: string[] = []
    session.on('status', (status) => states.push(status))
    const first = await session.view.send('Three days in Lisbon?')
    const call = await model.call(0)
    call.say('One ', 'two ')
    await eventually(() => expect(shown(session).at(-1)).toBe('streaming: One two '))

    const active = session.view.runs().filter((run) => run.status === 'active')
    await Promise.all(active.map((run) => session.cancel(run.runId)))
    const run = await session.view.send(
      UIMessageCodec.createUserMessage({ id: 'my-id', role: 'user', parts: [{ type: 'text', text: 'Make it five' }] }),
    )

    await run.started
    expect(await first.finished).toEqual({ reason: 'cancelled' })
    const secondCall = await model.call(1)
    expect(secondCall.transcript).toEqual(['user: Three days in Lisbon?', stopNote, 'user: Make it five'])
    secondCall.say('Five.')
    secondCall.finish()
    await run.finished
    const expected = ['sent: Three days in Lisbon?', 'cancelled: One two ', 'sent: Make it five', 'complete: Five.']
    expect(shown(session)).toEqual(expected)
    await eventually(() => expect(shown(other)).toEqual(expected))
    expect(session.view.getMessages()[2]!.message.id).toBe('my-id')
    expect(other.view.getMessages()[2]!.message.id).toBe('my-id')
    const names = channel.heard.map(({ name }) => name).filter((name) => name === 'ai-cancel' || name === 'ai-input')
    expect(names).toEqual(['ai-input', 'ai-cancel', 'ai-input'])
    expect(states).toEqual([])
  })

  it('S10 gives the demo model the first prompt, the partial reply with its note, and the new prompt', async () => {
    const demo = demoModel({ tokensPerSecond: 50, delay: 0 })
    const ask = vi.spyOn(demo, 'doStream')
    const { open } = await startScene('demo', {
      async respond(run) {
        const messages = await convertToModelMessages(run.context())
        const result = streamText({ model: demo, messages, abortSignal: run.abortSignal, onError: () => undefined })
        await run.pipe(result.toUIMessageStream())
      },
    })
    const session = await open('alice')
    const first = await session.view.send('Plan a weekend in Lisbon for two')
    await eventually(() => expect(shown(session).at(-1)).toMatch(/^streaming: .{20,}/s))
    const second = await session.view.send('Make it five days', { whenBusy: 'interrupt', waitFor: 'ended' })
    await second.started
    await eventually(() => expect(ask).toHaveBeenCalledTimes(2))
    const partial = first.messages[0]!.message.parts.flatMap((part) => (part.type === 'text' ? part.text : []))
    const asked = ask.mock.calls[1]![0].prompt.map(({ role, content }) => [
      role,
      typeof content === 'string' ? [content] : content.flatMap((part) => (part.type === 'text' ? part.text : [])),
    ])
    expect(asked).toEqual([
      ['user', ['Plan a weekend in Lisbon for two']],
      ['assistant', [...partial, '[The user stopped this answer here.]']],
      ['user', ['Make it five days']],
    ])
    await second.cancel()
    await second.finished
  })

  it('S4 S10 S14 is chosen for each send', async () => {
    const { open, model, wire } = await startScene('choice')
    const session = await open('alice')
    const channel = await wire()
    const first = await session.view.send('First')
    ;(await model.call(0)).say('One ', 'two ')
    await first.started
    const second = await session.view.send('Beside it', { whenBusy: 'alongside' })
    await second.started
    expect(statuses(session)).toEqual(['active', 'active'])
    const third = await session.view.send('Instead', { whenBusy: 'interrupt', waitFor: 'ended' })
    expect([first.status, second.status]).toEqual(['cancelled', 'cancelled'])
    await third.started
    await model.callFor('Instead')
    const order = channel.heard.map((message) => message.name).filter((name) => name !== undefined)
    expect(order.lastIndexOf('ai-run-end')).toBeLessThan(order.lastIndexOf('ai-input'))
    expect(order.filter((name) => name === 'ai-cancel')).toHaveLength(2)
  })

  it('S10 publishes the cancel before the prompt with `interrupt`', async () => {
    const { open, model, wire } = await startScene('interrupts')
    const session = await open('alice')
    const channel = await wire()
    const first = await session.view.send('Count')
    const call = await model.call(0)
    call.say('One ', 'two ')
    await eventually(() => expect(shown(session).at(-1)).toBe('streaming: One two '))
    await session.view.send('Stop counting', { whenBusy: 'interrupt' })
    expect(await first.finished).toEqual({ reason: 'cancelled' })
    const second = await model.callFor('Stop counting')
    expect(second.transcript).toEqual(['user: Count', stopNote, 'user: Stop counting'])
    const names = channel.heard.map(({ name }) => name).filter((name) => name === 'ai-cancel' || name === 'ai-input')
    expect(names).toEqual(['ai-input', 'ai-cancel', 'ai-input'])
  })
})

describe('concurrent runs', () => {
  it('S1 S9 S14 S15 S23 S24 S53 S55 never mix their streams', async () => {
    const { open, model, wire } = await startScene('beside')
    const session = await open('alice')
    const channel = await wire()
    const a = await session.view.send('A?')
    const callA = await model.callFor('A?')
    callA.say('a1 ')
    await eventually(() => expect(shown(session).at(-1)).toBe('streaming: a1 '))
    const b = await session.view.send('B?')
    expect(a.status).toBe('active')
    const callB = await model.callFor('B?')
    for (let round = 2; round < 20; round++) {
      callA.say(`a${round} `)
      callB.say(`b${round} `)
      if (round % 5 === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    }
    callB.finish()
    expect(await b.finished).toEqual({ reason: 'complete' })
    expect(a.status).toBe('active')
    callA.finish()
    expect(await a.finished).toEqual({ reason: 'complete' })
    expect(shown(session)).toEqual(['sent: A?', `complete: ${callA.said}`, 'sent: B?', `complete: ${callB.said}`])
    const runIds = new Set(channel.heard.map((message) => transportOf(message)['run-id']).filter(Boolean))
    expect(runIds).toEqual(new Set([a.runId, b.runId]))
  })

  it('S16 S22 S25 S44 S45 are cancelled one by one, by handle or by id', async () => {
    const { open, model } = await startScene('one-of-three')
    const session = await open('alice')
    const runs = [await session.view.send('A?'), await session.view.send('B?'), await session.view.send('C?')]
    await Promise.all(runs.map((run) => run.started))
    const calls = await Promise.all(['A?', 'B?', 'C?'].map((question) => model.callFor(question)))
    calls.forEach((call) => call.say('x '))
    expect(new Set(runs.map((run) => run.runId)).size).toBe(3)
    await runs[0]!.cancel()
    expect(await runs[0]!.finished).toEqual({ reason: 'cancelled' })
    expect([runs[1]!.status, runs[2]!.status]).toEqual(['active', 'active'])
    const listed = session.view.runs().find((run) => run.runId === runs[1]!.runId)!
    await session.cancel(listed.runId)
    expect(await runs[1]!.finished).toEqual({ reason: 'cancelled' })
    expect(calls.map((call) => call.signal!.aborted)).toEqual([true, true, false])
    calls[2]!.say('y')
    calls[2]!.finish()
    expect(await runs[2]!.finished).toEqual({ reason: 'complete' })
  })

  it('S28 are cancelled all at once, including those about to start', async () => {
    const { open, model } = await startScene('all')
    const session = await open('alice')
    const runs = [await session.view.send('A?'), await session.view.send('B?')]
    await Promise.all(['A?', 'B?'].map((question) => model.callFor(question)))
    await session.cancelAll()
    expect(await Promise.all(runs.map((run) => run.finished))).toEqual([
      { reason: 'cancelled' },
      { reason: 'cancelled' },
    ])
    expect(session.view.isRunning).toBe(false)
  })

  it('S56 answer several prompts sent in quick succession, none lost or reordered', async () => {
    const { open, model } = await startScene('quick')
    const session = await open('alice')
    const questions = ['one?', 'two?', 'three?', 'four?', 'five?']
    const sends = questions.map((question) => session.view.send(question))
    expect(shown(session)).toEqual(questions.map((question) => `pending: ${question}`))
    const runs = await Promise.all(sends)
    for (const question of questions) {
      const call = await model.callFor(question)
      call.say(`re: ${question}`)
      call.finish()
    }
    await Promise.all(runs.map((run) => run.finished))
    const prompts = shown(session).filter((line) => line.startsWith('sent'))
    expect(prompts).toEqual(questions.map((question) => `sent: ${question}`))
    expect(runs.map((run) => run.messages.at(-1)!.message.parts.at(-1))).toEqual(
      questions.map((question) => ({ type: 'text', text: `re: ${question}` })),
    )
  })
})

describe('a view', () => {
  it('S17 S18 S26 S27 tells reactively whether a run is active', async () => {
    const { open, model } = await startScene('toggle')
    const session = await open('alice')
    const scope = effectScope()
    const toggles: boolean[] = []
    scope.run(() =>
      watchEffect(() => toggles.push(session.view.runs().some((run) => run.status === 'active')), { flush: 'sync' }),
    )
    const finishings: ((call: ModelCall) => Promise<void>)[] = [
      async (call) => call.finish(),
      async (call) => call.fail('no'),
      () => session.cancelAll(),
    ]
    for (const [index, finish] of finishings.entries()) {
      const run = await session.view.send(`question ${index}`)
      const call = await model.call(index)
      call.say('text')
      await run.started
      expect(toggles.at(-1)).toBe(true)
      await finish(call)
      await run.finished
      expect(toggles.at(-1)).toBe(false)
    }
    expect(session.view.runs()).toMatchObject([
      {
        clientId: 'alice',
        status: 'complete',
        startedAt: expect.any(Number) as number,
        endedAt: expect.any(Number) as number,
      },
      { clientId: 'alice', status: 'error' },
      { clientId: 'alice', status: 'cancelled' },
    ])
    scope.stop()
  })
})

describe('several devices', () => {
  it("S46 S47 can cancel each other's runs", async () => {
    const { open, model } = await startScene('devices')
    const laptop = await open('laptop')
    const phone = await open('phone')
    const run = await laptop.view.send('Long story')
    const call = await model.call(0)
    call.say('Once ')
    await eventually(() => expect(shown(phone).at(-1)).toBe('streaming: Once '))
    await phone.cancel(phone.view.runs()[0]!.runId)
    expect(await run.finished).toEqual({ reason: 'cancelled' })
    expect(call.signal!.aborted).toBe(true)
    await eventually(() => expect(shown(phone)).toEqual(['sent: Long story', 'cancelled: Once ']))
    expect(shown(laptop)).toEqual(shown(phone))
    expect(laptop.view.runs()[0]!.cancelledBy).toMatchObject({ by: 'phone' })
  })

  it('S8 S46 can cancel a prompt that another device sent before its run has started', async () => {
    const gate = Promise.withResolvers<boolean>()
    const { open, model } = await startScene('stop-pending', { authorize: () => gate.promise })
    const laptop = await open('laptop')
    const phone = await open('phone')
    const run = await laptop.view.send('Wait')
    await eventually(() => expect(phone.view.pending().map(({ clientId }) => clientId)).toEqual(['laptop']))
    expect(phone.view.isRunning).toBe(true)
    await phone.cancel({ inputId: phone.view.pending()[0]!.inputId })
    gate.resolve(true)
    expect(await run.finished).toEqual({ reason: 'cancelled' })
    expect(model.calls.length).toBe(0)
    await eventually(() => expect(statuses(phone)).toEqual(['cancelled']))
    expect(phone.view.pending()).toEqual([])
  })

  it('S48 S54 can cancel only if the agent allows it', async () => {
    const { open, model } = await startScene('owner', { onCancel: ownerOnly })
    const alice = await open('alice')
    const mallory = await open('mallory')
    const run = await alice.view.send('Mine')
    const call = await model.call(0)
    call.say('a ')
    await eventually(() => expect(statuses(mallory)).toEqual(['active']))
    await mallory.cancel(run.runId)
    await eventually(() => expect(alice.view.run(run.runId)!.cancelling).toMatchObject({ by: 'mallory' }))
    call.say('b ')
    await eventually(() => expect(shown(alice).at(-1)).toBe('streaming: a b '))
    expect(call.signal!.aborted).toBe(false)
    await alice.cancel(run.runId)
    expect(await run.finished).toEqual({ reason: 'cancelled' })
  })
})
