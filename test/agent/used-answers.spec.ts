import { expect, it } from 'vitest'
import { UsedAnswers } from '../../src/agent/live-run'
import { message, output } from '../core/wire'
import { hear, newTree } from '../support/transcripts'

it('names each of 1,000 used answers once, in messages whose headers readers accept', () => {
  const tree = newTree()
  const transport = { role: 'user', 'codec-message-id': 'm', 'run-id': 'r' }
  for (let index = 0; index < 1000; index++) {
    const toolCallId = `call-${index}`
    hear(tree, [
      output('r', { kind: 'tool-input', toolCallId, toolName: 'pay' }, {}),
      message(
        'ai-input',
        { ...transport, 'event-id': `e${index}` },
        { kind: 'tool-result', toolCallId },
        { output: 1 },
      ),
    ])
  }
  const run = tree.runs.get('r')!
  const used = new UsedAnswers()
  used.note(used.among(run))
  used.note(used.among(run))
  const named: string[] = []
  for (let serials = used.take(); serials.length > 0; serials = used.take()) {
    expect(JSON.stringify(serials).length).toBeLessThan(13_000)
    named.push(...serials)
  }
  expect(named).toEqual(Array.from(run.answers.counted, ({ serial }) => serial))
})
