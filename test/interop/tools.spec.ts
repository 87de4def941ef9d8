import type { MockLanguageModelV4 } from 'ai/test'
import { describe, expect, it } from 'vitest'
import type { Said, Sent } from './actors'
import { agree, newcomersAgree } from './agree'
import { callingModel, outcomesIn, respond, type Call } from './model'
import { pairings, startRoom, type Pairing, type Room } from './room'

/** A run that has called tools and is suspended until the client answers. */
async function waiting(pairing: Pairing, calls: readonly Call[], lines: string[]) {
  const room = await startRoom(pairing)
  const model = callingModel(calls, 'Done.')
  const sent = await room.user.send('Go')
  const run = await room.agent.answer(sent.call)
  await respond(run, model)
  await agree(room, ['user: Go', ...lines, 'runs: suspended'])
  expect(sent.status).toBe('suspended')
  await newcomersAgree(room, ['user: Go', ...lines, 'runs: suspended'])
  const messageId = room.user.shown().messages.at(-1)!.id
  return { room, model, sent, runId: run.runId, messageId }
}

/** Sends an answer into the run, and lets the agent resume it. */
async function goOn(room: Room, model: MockLanguageModelV4, messageId: string, said: Said[]): Promise<Sent> {
  const sent = await room.user.answer(messageId, said)
  const run = await room.agent.answer(sent.call)
  await sent.started
  expect(sent.runId).toBe(run.runId)
  await respond(run, model)
  return sent
}

const place: Call = ['c1', 'place', { near: 'Lisbon' }]
const pay: Call = ['c2', 'pay', { amount: 5 }]

describe.each(pairings)('$title', (pairing) => {
  it('agree on a run that is suspended for a client tool, and resumed with its output', async () => {
    const { room, model, runId, messageId } = await waiting(
      pairing,
      [place],
      ['assistant: [tool-place input-available]'],
    )
    const sent = await goOn(room, model, messageId, [{ toolCallId: 'c1', output: { name: 'Alfama' } }])
    expect(sent.runId).toBe(runId)
    expect(outcomesIn(model)).toEqual(['c1: json {"name":"Alfama"}'])
    const lines = ['user: Go', 'assistant: [tool-place output-available]', 'assistant: Done.', 'runs: complete']
    await agree(room, lines)
    expect(sent.status).toBe('complete')
    await newcomersAgree(room, lines)
  })

  it('agree on a client tool that failed', async () => {
    const { room, model, messageId } = await waiting(pairing, [place], ['assistant: [tool-place input-available]'])
    await goOn(room, model, messageId, [{ toolCallId: 'c1', errorText: 'no position' }])
    expect(outcomesIn(model)).toEqual(['c1: error-text "no position"'])
    const lines = ['user: Go', 'assistant: [tool-place output-error]', 'assistant: Done.', 'runs: complete']
    await agree(room, lines)
    await newcomersAgree(room, lines)
  })

  it('agree on two calls that are answered at once', async () => {
    const { room, model, messageId } = await waiting(
      pairing,
      [place, ['c3', 'place', { near: 'Porto' }]],
      ['assistant: [tool-place input-available] [tool-place input-available]'],
    )
    await goOn(room, model, messageId, [
      { toolCallId: 'c1', output: 'Alfama' },
      { toolCallId: 'c3', errorText: 'no position' },
    ])
    expect(outcomesIn(model)).toEqual(['c1: text "Alfama"', 'c3: error-text "no position"'])
    const lines = [
      'user: Go',
      'assistant: [tool-place output-available] [tool-place output-error]',
      'assistant: Done.',
      'runs: complete',
    ]
    await agree(room, lines)
    await newcomersAgree(room, lines)
  })

  it('agree on an approved call, except for the approval itself (fault 8)', async () => {
    const { room, model, messageId } = await waiting(pairing, [pay], ['assistant: [tool-pay approval-requested]'])
    await goOn(room, model, messageId, [{ toolCallId: 'c2', approved: true, reason: 'cheap' }])
    expect(outcomesIn(model)).toEqual(['c2: text "paid 5"'])
    const lines = ['user: Go', 'assistant: [tool-pay output-available]', 'assistant: Done.', 'runs: complete']
    await agree(room, lines, 'fault 8: an output loses the approval')
    await newcomersAgree(room, lines, 'fault 8: an output loses the approval')
    expect(approvalOf(room)).toMatchObject({ approved: true, reason: 'cheap' })
  })

  it('agree on a denied call, except for its id and reason (fault 8)', async () => {
    const { room, model, messageId } = await waiting(pairing, [pay], ['assistant: [tool-pay approval-requested]'])
    await goOn(room, model, messageId, [{ toolCallId: 'c2', approved: false, reason: 'too dear' }])
    const lines = ['user: Go', 'assistant: [tool-pay output-denied]', 'assistant: Done.', 'runs: complete']
    await agree(room, lines, 'fault 8: a denial loses the approval id and reason')
    await newcomersAgree(room, lines, 'fault 8: a denial loses the approval id and reason')
    expect(approvalOf(room)).toMatchObject({ id: expect.stringMatching(/./) as string, reason: 'too dear' })
  })

  it.each([
    ['an output', { toolCallId: 'c1', output: 'Alfama' }, 'output-available', 'text "Alfama"'],
    ['a failure', { toolCallId: 'c1', errorText: 'no position' }, 'output-error', 'error-text "no position"'],
  ])('agree on a new run that starts with %s and replaces the suspended one', async (_, said, state, told) => {
    const { room, model, runId, messageId } = await waiting(
      pairing,
      [place],
      ['assistant: [tool-place input-available]'],
    )
    const sent = await room.user.fork(messageId, said)
    await agree(
      room,
      ['user: Go', `assistant: [tool-place ${state}]`, 'runs: '],
      'a fork that waits for its agent is listed as a run',
    )
    const run = await room.agent.answer(sent.call)
    await sent.started
    expect(run.runId).not.toBe(runId)
    expect(sent.runId).toBe(run.runId)
    await respond(run, model)
    expect(outcomesIn(model)).toEqual([`c1: ${told}`])
    const lines = ['user: Go', `assistant: [tool-place ${state}]`, 'assistant: Done.', 'runs: complete']
    await agree(room, lines)
    expect(sent.status).toBe('complete')
    await newcomersAgree(room, lines)
    expect(room.watcher.branch(sent.inputId)).toEqual(room.user.branch(sent.inputId))
  })

  it('agree on two answers sent one by one, which the agent uses together', async () => {
    const { room, model, messageId } = await waiting(
      pairing,
      [place, ['c3', 'place', { near: 'Porto' }]],
      ['assistant: [tool-place input-available] [tool-place input-available]'],
    )
    const first = await room.user.answer(messageId, [{ toolCallId: 'c1', output: 'Alfama' }])
    const second = await room.user.answer(messageId, [{ toolCallId: 'c3', output: 'Ribeira' }])
    const run = await room.agent.answer(second.call)
    await second.started
    // NOTE: the peer settles only the later of the two handles (fault 13)
    if (pairing.client === 'ours') await first.started
    await respond(run, model)
    expect(outcomesIn(model)).toEqual(['c1: text "Alfama"', 'c3: text "Ribeira"'])
    const lines = [
      'user: Go',
      'assistant: [tool-place output-available] [tool-place output-available]',
      'assistant: Done.',
      'runs: complete',
    ]
    await agree(room, lines)
    await newcomersAgree(room, lines)
  })

  it('agree on a run that the other client answered: it still belongs to its owner', async () => {
    const { room, model, runId, messageId } = await waiting(
      pairing,
      [place],
      ['assistant: [tool-place input-available]'],
    )
    const said = await room.watcher.answer(messageId, [{ toolCallId: 'c1', output: 'Alfama' }])
    const run = await room.agent.answer(said.call)
    expect(run.runId).toBe(runId)
    await respond(run, model)
    const lines = ['user: Go', 'assistant: [tool-place output-available]', 'assistant: Done.', 'runs: complete']
    await agree(room, lines)
    await newcomersAgree(room, lines)
    expect(room.ours.shown().runs.map(({ clientId }) => clientId)).toEqual(['alice'])
  })

  it("differ on a cancel of a suspended run: our agent ends it, the peer's leaves it suspended", async () => {
    const { room, runId } = await waiting(pairing, [place], ['assistant: [tool-place input-available]'])
    await room.user.cancel(runId)
    const status = pairing.agent === 'ours' ? 'cancelled' : 'suspended'
    await agree(room, ['user: Go', 'assistant: [tool-place input-available]', `runs: ${status}`])
  })

  it('agree on a run that is cancelled after it was resumed', async () => {
    const { room, model, messageId } = await waiting(pairing, [place], ['assistant: [tool-place input-available]'])
    await room.agent.attach()
    const sent = await room.user.answer(messageId, [{ toolCallId: 'c1', output: 'Alfama' }])
    const run = await room.agent.answer(sent.call)
    await sent.started
    await agree(room, ['user: Go', 'assistant: [tool-place output-available]', 'runs: active'])
    await sent.cancel()
    await expect.poll(() => run.signal.aborted).toBe(true)
    await run.end('cancelled')
    await agree(room, ['user: Go', 'assistant: [tool-place output-available]', 'runs: cancelled'])
    expect(model.doStreamCalls).toHaveLength(1)
  })
})

const approvalOf = (room: Room): unknown =>
  room.ours
    .shown()
    .messages.flatMap(({ message }) =>
      message.parts.flatMap((part) => ('approval' in part && part.approval ? [part.approval] : [])),
    )[0]
