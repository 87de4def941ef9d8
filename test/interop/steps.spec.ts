import { describe, expect, it } from 'vitest'
import { streamOf, textChunks } from '../support/agent'
import { agree, newcomersAgree } from './agree'
import { pairings, startRoom } from './room'

describe.each(pairings)('$title', (pairing) => {
  it('agree on a step that failed and was retried: only the last attempt shows', async () => {
    const room = await startRoom(pairing)
    const sent = await room.user.send('Three days?')
    const run = await room.agent.answer(sent.call)
    await run.attempt('search', streamOf(textChunks(['Found'], 'm1')), 'complete')
    await run.attempt('write', streamOf(textChunks(['Half an ans'], 'm2')), 'failed')
    await agree(room, ['user: Three days?', 'assistant: Found', 'assistant: Half an ans', 'runs: active'])
    await run.attempt('write', streamOf(textChunks(['A whole answer'], 'm3')), 'complete')
    await run.end('complete')
    const lines = ['user: Three days?', 'assistant: Found', 'assistant: A whole answer', 'runs: complete']
    await agree(room, lines)
    await newcomersAgree(room, lines)
    expect(room.ours.shown().runs[0]!.steps).toMatchObject([
      { stepId: 'search', status: 'complete', attemptCount: 1 },
      { stepId: 'write', status: 'complete', attemptCount: 2 },
    ])
  })
})
