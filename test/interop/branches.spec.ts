import { describe, expect, it } from 'vitest'
import { streamOf, textChunks } from '../support/agent'
import type { Sent } from './actors'
import { agree, lineOf, newcomersAgree, told } from './agree'
import { pairings, startRoom, type Pairing, type Room } from './room'
import { eventually } from '../support/eventually'

/** Replies to a prompt; returns the lines that the model was given. */
async function answered(room: Room, sent: Sent, text: string): Promise<string[]> {
  const run = await room.agent.answer(sent.call)
  const asked = run.prompt().map(lineOf)
  await run.pipe(streamOf(textChunks([text], `ui-${run.runId}`)))
  await run.end('complete')
  return asked
}

/** A conversation of two turns, with the ids of its messages. */
async function conversation(pairing: Pairing): Promise<{ room: Room; ids: string[] }> {
  const room = await startRoom(pairing)
  await answered(room, await room.user.send('One?'), '1')
  await agree(room, ['user: One?', 'assistant: 1', 'runs: complete'])
  await answered(room, await room.user.send('Two?'), '2')
  await agree(room, [...turns, 'runs: complete, complete'])
  return { room, ids: room.ours.shown().messages.map(({ id }) => id) }
}

const turns = ['user: One?', 'assistant: 1', 'user: Two?', 'assistant: 2']

describe.each(pairings)('$title', (pairing) => {
  it('agree on a conversation, and the agent reads all of it', async () => {
    const { room } = await conversation(pairing)
    expect(await answered(room, await room.user.send('Three?'), '3')).toEqual([...turns, 'user: Three?'])
    const lines = [...turns, 'user: Three?', 'assistant: 3', 'runs: complete, complete, complete']
    await agree(room, lines)
    await newcomersAgree(room, lines)
  })

  it("agree on an edit: the editor's view moves, the other stays, new clients see the newest version", async () => {
    const { room, ids } = await conversation(pairing)
    const edit = await room.user.edit(ids[2]!, 'Two, please?')
    expect(await answered(room, edit, 'two')).toEqual(['user: One?', 'assistant: 1', 'user: Two, please?'])
    const edited = ['user: One?', 'assistant: 1', 'user: Two, please?', 'assistant: two', 'runs: complete, complete']
    await eventually(() => expect(told(room.user)).toEqual(edited))
    await eventually(() => expect(room.watcher.branch(ids[2]!)).toEqual({ index: 0, count: 2 }))
    expect(room.user.branch(edit.inputId)).toEqual({ index: 1, count: 2 })
    expect(told(room.watcher)).toEqual([...turns, 'runs: complete, complete'])
    await newcomersAgree(room, edited)
    room.watcher.select(ids[2]!, 1)
    await agree(room, edited)
    room.user.select(edit.inputId, 0)
    room.watcher.select(edit.inputId, 0)
    await agree(room, [...turns, 'runs: complete, complete'])
  })

  it('agree on an edit of an edit', async () => {
    const { room, ids } = await conversation(pairing)
    const first = await room.user.edit(ids[2]!, 'Second try')
    await answered(room, first, 'b')
    const second = await room.user.edit(first.inputId, 'Third try')
    expect(await answered(room, second, 'c')).toEqual(['user: One?', 'assistant: 1', 'user: Third try'])
    const edited = ['user: One?', 'assistant: 1', 'user: Third try', 'assistant: c', 'runs: complete, complete']
    await newcomersAgree(room, edited)
    await eventually(() => expect(told(room.user)).toEqual(edited))
    expect(room.user.branch(second.inputId)).toEqual({ index: 2, count: 3 })
    await eventually(() => expect(room.watcher.branch(ids[2]!)).toEqual({ index: 0, count: 3 }))
  })

  it('agree on an edit of the first prompt', async () => {
    const { room, ids } = await conversation(pairing)
    const edit = await room.user.edit(ids[0]!, 'Eins?')
    expect(await answered(room, edit, 'eins')).toEqual(['user: Eins?'])
    await newcomersAgree(room, ['user: Eins?', 'assistant: eins', 'runs: complete'])
    expect(told(room.user)).toEqual(['user: Eins?', 'assistant: eins', 'runs: complete'])
  })

  it('agree on a regenerated reply: all views move to the new one', async () => {
    const { room, ids } = await conversation(pairing)
    expect(await answered(room, await room.user.regenerate(ids[3]!), 'two!')).toEqual(turns.slice(0, 3))
    const lines = [...turns.slice(0, 3), 'assistant: two!', 'runs: complete, complete']
    await agree(room, lines)
    await newcomersAgree(room, lines)
    for (const user of [room.user, room.watcher]) expect(user.branch(ids[3]!)).toEqual({ index: 1, count: 2 })
    for (const user of [room.user, room.watcher]) user.select(ids[3]!, 0)
    await agree(room, [...turns, 'runs: complete, complete'])
  })

  it('agree on a regeneration of a regeneration', async () => {
    const { room, ids } = await conversation(pairing)
    await answered(room, await room.user.regenerate(ids[3]!), 'two!')
    await agree(room, [...turns.slice(0, 3), 'assistant: two!', 'runs: complete, complete'])
    const second = room.user.shown().messages.at(-1)!.id
    expect(await answered(room, await room.user.regenerate(second), 'two!!')).toEqual(turns.slice(0, 3))
    const lines = [...turns.slice(0, 3), 'assistant: two!!', 'runs: complete, complete']
    await agree(room, lines)
    await newcomersAgree(room, lines)
    for (const user of [room.user, room.watcher]) expect(user.branch(ids[3]!)).toEqual({ index: 2, count: 3 })
  })

  it('agree on a regeneration in the middle: later messages stay with the old reply', async () => {
    const { room, ids } = await conversation(pairing)
    expect(await answered(room, await room.user.regenerate(ids[1]!), 'one')).toEqual(['user: One?'])
    await agree(room, ['user: One?', 'assistant: one', 'runs: complete'])
    const next = await room.user.send('And?')
    expect(await answered(room, next, 'so')).toEqual(['user: One?', 'assistant: one', 'user: And?'])
    const lines = ['user: One?', 'assistant: one', 'user: And?', 'assistant: so', 'runs: complete, complete']
    await agree(room, lines)
    await newcomersAgree(room, lines)
  })

  it('stay on an older reply that the user selected when another client regenerates', async () => {
    const { room, ids } = await conversation(pairing)
    await answered(room, await room.user.regenerate(ids[3]!), 'two!')
    await agree(room, [...turns.slice(0, 3), 'assistant: two!', 'runs: complete, complete'])
    room.watcher.select(ids[3]!, 0)
    await answered(room, await room.user.regenerate(ids[3]!), 'two!!')
    await eventually(() => expect(room.watcher.branch(ids[3]!)).toEqual({ index: 0, count: 3 }))
    expect(told(room.watcher)).toEqual([...turns, 'runs: complete, complete'])
    await eventually(() => expect(told(room.user).at(-2)).toBe('assistant: two!!'))
  })
})
