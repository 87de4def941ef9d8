import { describe, expect, it } from 'vitest'
import { handFed, streamOf, textChunks } from '../support/agent'
import { beginning, delta } from '../support/agent-stage'
import { agree, lineOf, newcomersAgree, told } from './agree'
import { ourAgent } from './ours'
import { pairings, startRoom, type Pairing, type Room } from './room'

const turnCount = 11
const numbers = Array.from({ length: turnCount }, (_, index) => index)
const lines = [
  ...numbers.flatMap((n) => [`user: Question ${n}`, `assistant: Answer ${n}`]),
  `runs: ${numbers.map(() => 'complete').join(', ')}`,
]

/** Enough turns for a channel with far more than 100 messages. */
async function longTalk(pairing: Pairing): Promise<Room> {
  const room = await startRoom(pairing)
  await room.agent.attach()
  for (const n of numbers) {
    const sent = await room.user.send(`Question ${n}`)
    const run = await room.agent.answer(sent.call)
    await run.pipe(streamOf(textChunks(['Answer ', String(n)], `ui-${n}`)))
    await run.end('complete')
    await expect
      .poll(() => told(room.user).slice(-2))
      .toEqual([
        `assistant: Answer ${n}`,
        `runs: ${numbers
          .slice(0, n + 1)
          .map(() => 'complete')
          .join(', ')}`,
      ])
  }
  return room
}

describe.each(pairings)('$title', (pairing) => {
  it.each([1, 7, 100])('agree on a long history that our client reads in pages of %i', async (ourPageSize) => {
    const room = await longTalk(pairing)
    await agree(room, lines)
    const newcomers = await room.join({ ourPageSize, peersPageSize: 1000 })
    await Promise.all([newcomers.ours.load(100), newcomers.peers.load(100)])
    await agree(newcomers, lines)
    expect(newcomers.ours.hasOlder()).toBe(false)
  })

  it('agree at every step while more messages are loaded', async () => {
    const room = await longTalk(pairing)
    const { ours, peers } = await room.join({ ourPageSize: 7, peersPageSize: 1000 })
    for (let count = 5; count < 2 * turnCount; count += 5) {
      await Promise.all([ours.load(5), peers.load(5)])
      const ids = ours.shown().messages.map(({ id }) => id)
      expect(ids).toHaveLength(count)
      expect(peers.shown().messages.map(({ id }) => id)).toEqual(ids)
      expect(told(ours).slice(0, -1)).toEqual(lines.slice(-1 - count, -1))
    }
  })

  it('differ if the peer reads more than one page: a run that has ended stays active (fault 1)', async () => {
    const room = await longTalk(pairing)
    // NOTE: a page that starts with the last two messages of a run
    const newcomers = await room.join({ peersPageSize: 92 })
    await Promise.all([newcomers.ours.load(100), newcomers.peers.load(100)])
    await agree(newcomers, lines, 'fault 1: an ended run stays active')
  })

  it('give the whole conversation to an agent of ours that attaches now', async () => {
    const room = await longTalk(pairing)
    const sent = await room.user.send('And now?')
    const agent = ourAgent(room.endpoint.client({ clientId: 'agent' }), room.channelName)
    const run = await agent.answer(sent.call)
    expect(run.prompt().map(lineOf)).toEqual([...lines.slice(0, -1), 'user: And now?'])
    await run.end('complete')
  })

  it('agree again after our client missed most of a run and could not resume its connection', async () => {
    const room = await startRoom(pairing)
    const sent = await room.user.send('A story?')
    const run = await room.agent.answer(sent.call)
    const feed = handFed()
    const piped = run.pipe(feed.stream)
    feed.push(...beginning('Once '))
    await agree(room, ['user: A story?', 'assistant: Once ', 'runs: active'])
    room.endpoint.refuseResume()
    const restore = room.endpoint.dropConnection(pairing.client === 'ours' ? 'alice' : 'bob', { refuseFor: Infinity })
    feed.push(delta('upon '), delta('a time'), ...textChunks([]).slice(3))
    feed.end()
    await piped
    await run.end('complete')
    expect(told(room.ours).at(-1)).toBe('runs: active')
    restore()
    const lines = ['user: A story?', 'assistant: Once upon a time', 'runs: complete']
    await agree(room, lines)
    await newcomersAgree(room, lines)
  })

  it('differ if the peer gets live messages before history: it shows a step twice, ours once (fault 3)', async () => {
    const room = await startRoom(pairing)
    const sent = await room.user.send('A story?')
    const run = await room.agent.answer(sent.call)
    const feed = handFed()
    const piped = run.pipe(feed.stream)
    feed.push(...beginning('Once '))
    await agree(room, ['user: A story?', 'assistant: Once ', 'runs: active'])
    const joined = await room.join()
    feed.push(delta('upon '), delta('a time'), ...textChunks([]).slice(3))
    feed.end()
    await piped
    await run.end('complete')
    await joined.peers.hear()
    await Promise.all([joined.ours.load(10), joined.peers.load(10)])
    await agree(
      joined,
      ['user: A story?', 'assistant: Once upon a time', 'runs: complete'],
      'fault 3: a step begins twice',
    )
  })
})
