import { describe, expect, it } from 'vitest'
import { handFed, streamOf, textChunks } from '../support/agent'
import { beginning } from '../support/agent-stage'
import { eventually } from '../support/eventually'
import { agree, lineOf, newcomersAgree, told } from './agree'
import { pairings, startRoom } from './room'

const ending = textChunks([]).slice(3)

describe.each(pairings)('$title', (pairing) => {
  it('agree on a steer that the next pass consumes', async () => {
    const room = await startRoom(pairing)
    const sent = await room.user.send('Three days?')
    const run = await room.agent.answer(sent.call)
    await sent.started
    expect(run.hasInput()).toBe(true)
    const feed = handFed()
    const piped = run.pipe(feed.stream)
    feed.push(...beginning('One '))
    await agree(room, ['user: Three days?', 'assistant: One ', 'runs: active'])
    const steer = sent.steer('By train, please')
    await steer.published
    await agree(room, ['user: Three days?', 'assistant: One ', 'user: By train, please', 'runs: active'])
    feed.push(...ending)
    feed.end()
    await piped
    await expect.poll(() => run.hasInput()).toBe(true)
    expect(run.prompt().map(lineOf)).toEqual(['user: Three days?', 'assistant: One ', 'user: By train, please'])
    await run.pipe(streamOf(textChunks(['By train.'], 'm2')))
    expect(run.hasInput()).toBe(false)
    await run.end('complete')
    expect(await steer.outcome).toEqual({ consumed: true, runTerminalReason: 'complete' })
    const lines = [
      'user: Three days?',
      'assistant: One ',
      'user: By train, please',
      'assistant: By train.',
      'runs: complete',
    ]
    await agree(room, lines)
    await newcomersAgree(room, lines)
  })

  it('agree on a steer that arrives too late', async () => {
    const room = await startRoom(pairing)
    const sent = await room.user.send('Three days?')
    const run = await room.agent.answer(sent.call)
    await sent.started
    await run.pipe(streamOf(textChunks(['One two three'])))
    await agree(room, ['user: Three days?', 'assistant: One two three', 'runs: active'])
    const steer = sent.steer('By train, please')
    await steer.published
    await run.end('complete')
    expect(await steer.outcome).toEqual({ consumed: false, runTerminalReason: 'complete' })
    const lines = ['user: Three days?', 'assistant: One two three', 'user: By train, please', 'runs: complete']
    await agree(room, lines)
    await newcomersAgree(room, lines)
    await expect(sent.steer('Too late').published).rejects.toMatchObject({ code: 40003 })
  })

  it('agree on a steer of a run that is cancelled', async () => {
    const room = await startRoom(pairing)
    const sent = await room.user.send('Three days?')
    const run = await room.agent.answer(sent.call)
    await sent.started
    const feed = handFed()
    const piped = run.pipe(feed.stream)
    feed.push(...beginning('One '))
    await agree(room, ['user: Three days?', 'assistant: One ', 'runs: active'])
    const steer = sent.steer('By train, please')
    await steer.published
    await sent.cancel()
    expect(await piped).toEqual({ reason: 'cancelled' })
    expect(run.hasInput()).toBe(false)
    await run.end('cancelled')
    expect(await steer.outcome).toEqual({ consumed: false, runTerminalReason: 'cancelled' })
    await agree(room, ['user: Three days?', 'assistant: One ', 'user: By train, please', 'runs: cancelled'])
  })

  it('agree on a steer before the first token', async () => {
    const room = await startRoom(pairing)
    const sent = await room.user.send('Three days?')
    const run = await room.agent.answer(sent.call)
    await sent.started
    const steer = sent.steer('By train, please')
    await steer.published
    await agree(room, ['user: Three days?', 'user: By train, please', 'runs: active'])
    // NOTE: the peer gives two messages of the user; ours merges them, because strict providers refuse two in a
    // row
    const asked = () =>
      run.prompt().flatMap((message) => message.parts.map((part) => lineOf({ ...message, parts: [part] })))
    await expect.poll(asked).toEqual(['user: Three days?', 'user: By train, please'])
    expect(run.hasInput()).toBe(true)
    await run.pipe(streamOf(textChunks(['By train.'])))
    expect(run.hasInput()).toBe(false)
    await run.end('complete')
    expect(await steer.outcome).toEqual({ consumed: true, runTerminalReason: 'complete' })
    const lines = ['user: Three days?', 'user: By train, please', 'assistant: By train.', 'runs: complete']
    await agree(room, lines)
    await newcomersAgree(room, lines)
  })

  it('agree on a regenerated reply in place of the second message of a run', async () => {
    const room = await startRoom(pairing)
    const sent = await room.user.send('Three days?')
    const run = await room.agent.answer(sent.call)
    await sent.started
    run.hasInput()
    await run.pipe(streamOf(textChunks(['One'], 'm1')))
    await agree(room, ['user: Three days?', 'assistant: One', 'runs: active'])
    await sent.steer('By train, please').published
    await expect.poll(() => run.hasInput()).toBe(true)
    await run.pipe(streamOf(textChunks(['By train.'], 'm2')))
    await run.end('complete')
    const before = ['user: Three days?', 'assistant: One', 'user: By train, please']
    await agree(room, [...before, 'assistant: By train.', 'runs: complete'])
    const second = room.user.shown().messages.at(-1)!.id
    const again = await room.user.regenerate(second)
    const other = await room.agent.answer(again.call)
    expect(other.prompt().map(lineOf)).toEqual(before)
    await other.pipe(streamOf(textChunks(['By boat.'], 'm3')))
    await other.end('complete')
    const lines = [...before, 'assistant: By boat.', 'runs: complete, complete']
    await agree(room, lines)
    await newcomersAgree(room, lines)
    for (const user of [room.user, room.watcher]) expect(user.branch(second)).toEqual({ index: 1, count: 2 })
    for (const user of [room.user, room.watcher]) user.select(second, 0)
    await eventually(() => expect(told(room.ours)).toEqual([...before, 'assistant: By train.', 'runs: complete']))
    expect(told(room.peers).slice(0, -1)).toEqual([...before, 'assistant: By train.'])
  })
})
