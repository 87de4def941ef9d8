import type { UIMessageChunk } from 'ai'
import { describe, expect, it } from 'vitest'
import { handFed, streamOf, textChunks } from '../support/agent'
import { beginning, delta, said } from '../support/agent-stage'
import { eventually } from '../support/eventually'
import { agree, lineOf, newcomersAgree, told } from './agree'
import { pairings, startRoom } from './room'

const ending: UIMessageChunk[] = textChunks([]).slice(3)

describe.each(pairings)('$title', (pairing) => {
  it('agree on a simple reply', async () => {
    const room = await startRoom(pairing)
    const sent = await room.user.send('Three days in Lisbon?')
    const run = await room.agent.answer(sent.call)
    expect(said(run.prompt())).toEqual(['user: Three days in Lisbon?'])
    await sent.started
    expect(sent.runId).toBe(run.runId)
    expect(sent.status).toBe('active')
    expect(await run.pipe(streamOf(textChunks(['One ', 'two ', 'three'])))).toEqual({ reason: 'complete' })
    await run.end('complete')
    const lines = ['user: Three days in Lisbon?', 'assistant: One two three', 'runs: complete']
    await agree(room, lines)
    expect(sent.status).toBe('complete')
    await newcomersAgree(room, lines)
  })

  it('agree on a run of an anonymous client', async () => {
    const room = await startRoom(pairing, { anonymous: true })
    const sent = await room.user.send('Hello?')
    const run = await room.agent.answer(sent.call)
    await run.pipe(streamOf(textChunks(['Hi'])))
    await run.end('complete')
    const lines = ['user: Hello?', 'assistant: Hi', 'runs: complete']
    await agree(room, lines)
    await newcomersAgree(room, lines)
    expect(room.ours.shown().runs.map(({ clientId }) => clientId)).toEqual([''])
  })

  it('agree on two concurrent runs, token by token', async () => {
    const room = await startRoom(pairing)
    const [first, second] = [await room.user.send('Cities?'), await room.user.send('And food?')]
    const runs = [await room.agent.answer(first.call), await room.agent.answer(second.call)]
    const feeds = [handFed(), handFed()]
    const pipes = runs.map((run, index) => run.pipe(feeds[index]!.stream))
    const lines = (...answers: string[]) => ['user: Cities?', 'user: And food?', ...answers]
    feeds.forEach((feed, index) => feed.push(...beginning(`${index}a `)))
    await agree(room, lines('assistant: 0a ', 'assistant: 1a ', 'runs: active, active'))
    feeds.toReversed().forEach((feed, index) => feed.push(delta(`${1 - index}b `)))
    await agree(room, lines('assistant: 0a 0b ', 'assistant: 1a 1b ', 'runs: active, active'))
    feeds[1]!.push(...ending)
    feeds[1]!.end()
    await pipes[1]
    await runs[1]!.end('complete')
    await agree(room, lines('assistant: 0a 0b ', 'assistant: 1a 1b ', 'runs: active, complete'))
    feeds[0]!.push(delta('0c'), ...ending)
    feeds[0]!.end()
    await pipes[0]
    await runs[0]!.end('complete')
    const last = lines('assistant: 0a 0b 0c', 'assistant: 1a 1b ', 'runs: complete, complete')
    await agree(room, last)
    await newcomersAgree(room, last)
  })

  it.each(['by its handle', 'by its run id, from the other device'])('agree on a run cancelled %s', async (how) => {
    const room = await startRoom(pairing)
    const sent = await room.user.send('Count')
    const run = await room.agent.answer(sent.call)
    const feed = handFed()
    const piped = run.pipe(feed.stream)
    feed.push(...beginning('One '), delta('two '))
    await agree(room, ['user: Count', 'assistant: One two ', 'runs: active'])
    await (how === 'by its handle' ? sent.cancel() : room.watcher.cancel(run.runId))
    expect(await piped).toEqual({ reason: 'cancelled' })
    expect(run.signal.aborted).toBe(true)
    await run.end('cancelled')
    const lines = ['user: Count', 'assistant: One two ', 'runs: cancelled']
    await agree(room, lines)
    expect(sent.status).toBe('cancelled')
    await newcomersAgree(room, lines)
  })

  it('agree on a run that was cancelled before it started', async () => {
    const room = await startRoom(pairing)
    await room.agent.attach()
    const sent = await room.user.send('Never mind')
    await sent.cancel()
    const run = await room.agent.answer(sent.call)
    expect(run.signal.aborted).toBe(true)
    expect(await run.pipe(streamOf(textChunks(['unheard'])))).toEqual({ reason: 'cancelled' })
    await run.end('cancelled')
    await agree(room, ['user: Never mind', 'runs: cancelled'])
    await newcomersAgree(room, ['user: Never mind', 'runs: cancelled'])
  })

  it('differ if the agent finds the cancel in history: ours applies it (fault 9)', async () => {
    const room = await startRoom(pairing)
    const sent = await room.user.send('Never mind')
    await sent.cancel()
    const run = await room.agent.answer(sent.call)
    const isHonoured = pairing.agent === 'ours'
    expect(run.signal.aborted).toBe(isHonoured)
    await run.pipe(streamOf(textChunks(['unheard'])))
    await run.end(isHonoured ? 'cancelled' : 'complete')
    await agree(room, [
      'user: Never mind',
      ...(isHonoured ? ['runs: cancelled'] : ['assistant: unheard', 'runs: complete']),
    ])
  })

  it('agree on a cancel and the next prompt behind it, and our agent tells the model of both', async () => {
    const room = await startRoom(pairing)
    const first = await room.user.send('Three days?')
    const run = await room.agent.answer(first.call)
    const feed = handFed()
    const piped = run.pipe(feed.stream)
    feed.push(...beginning('One '))
    await agree(room, ['user: Three days?', 'assistant: One ', 'runs: active'])
    const [, second] = await Promise.all([first.cancel(), room.user.send('Make it five')])
    expect(await piped).toEqual({ reason: 'cancelled' })
    await run.end('cancelled')
    const next = await room.agent.answer(second.call)
    const isOurs = pairing.agent === 'ours'
    const note = '[The user stopped this answer here.]'
    expect(next.prompt().map(lineOf)).toEqual([
      ...(isOurs ? ['user: Three days?', `assistant: One  ${note}`] : []),
      'user: Make it five',
    ])
    await next.pipe(streamOf(textChunks(['Five'])))
    await next.end('complete')
    const lines = [
      'user: Three days?',
      'assistant: One ',
      'user: Make it five',
      'assistant: Five',
      'runs: cancelled, complete',
    ]
    await agree(room, lines)
    await newcomersAgree(room, lines)
  })

  it('agree on an error, its code and its message', async () => {
    const room = await startRoom(pairing)
    const sent = await room.user.send('Fail')
    const run = await room.agent.answer(sent.call)
    const feed = handFed()
    const piped = run.pipe(feed.stream)
    feed.push(...beginning('Half'))
    await agree(room, ['user: Fail', 'assistant: Half', 'runs: active'])
    feed.fail(new Error('model overloaded'))
    expect(await piped).toMatchObject({ reason: 'error' })
    await run.end('error', { code: 42912, message: 'model overloaded' })
    const lines = ['user: Fail', 'assistant: Half', 'runs: error 42912 model overloaded']
    await agree(room, lines)
    await newcomersAgree(room, lines)
  })

  it('agree on an error without a message', async () => {
    const room = await startRoom(pairing)
    const sent = await room.user.send('Fail')
    const run = await room.agent.answer(sent.call)
    await run.end('error')
    const lines = ['user: Fail', 'runs: error 104008 agent reported an error']
    await agree(room, lines)
    await newcomersAgree(room, lines)
  })

  it('agree for clients that join in the middle of a token stream', async () => {
    const room = await startRoom(pairing)
    const sent = await room.user.send('A story?')
    const run = await room.agent.answer(sent.call)
    const feed = handFed()
    const piped = run.pipe(feed.stream)
    feed.push(...beginning('Once '), delta('upon '))
    await agree(room, ['user: A story?', 'assistant: Once upon ', 'runs: active'])
    const joined = await room.join({ ourPageSize: 2 })
    await Promise.all([joined.ours.load(10), joined.peers.load(10)])
    await agree(joined, ['user: A story?', 'assistant: Once upon ', 'runs: active'])
    feed.push(delta('a '), delta('time'), ...ending)
    feed.end()
    await piped
    await run.end('complete')
    const lines = ['user: A story?', 'assistant: Once upon a time', 'runs: complete']
    await agree(joined, lines)
    await agree(room, lines)
    expect(told(joined.ours)).toEqual(told(room.ours))
    await eventually(() => expect(joined.peers.hasOlder()).toBe(false))
  })
})
