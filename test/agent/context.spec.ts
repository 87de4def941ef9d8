import { convertToModelMessages, type UIMessage } from 'ai'
import { describe, expect, it } from 'vitest'
import { UIMessageCodec } from '../../src/codec'
import type { ContextRule } from '../../src/agent/agent-run'
import { contextOf } from '../../src/agent/context'
import { TriggerIndex } from '../../src/agent/history'
import type { Row } from '../../src/core/rows'
import type { Tree } from '../../src/core/tree'
import type { ChannelMessage } from '../../src/core/wire'
import { newTree, readTranscript } from '../support/transcripts'
import { scene, type Scene } from './scene'

describe("the context of a recorded conversation equals the peer's", () => {
  const names = [
    'text-simple',
    'anonymous-client',
    'cancel-then-send',
    'concurrent-two-interleaved',
    'edit',
    'edit-of-edit',
    'regenerate',
    'regenerate-of-regenerate',
    'regenerate-early-turn',
    'run-error-bare',
    'two-pipes',
    'user-multipart',
  ]
  it.each(names)('%s', (name) => {
    const transcript = readTranscript(name) as ReturnType<typeof readTranscript> & { agentViews: AgentView[] }
    expect(transcript.agentViews.length).toBeGreaterThan(0)
    for (const { invocation, atWire, promptMessages } of transcript.agentViews) {
      const { tree, inputs } = hearAll(transcript.wire.slice(0, atWire))
      const context = contextOf({ tree, codec: UIMessageCodec }, inputs.find(invocation.inputEventId)!, 'answered')
      expect(context).toEqual(promptMessages.map(({ message }) => message))
    }
  })
})

describe('the default context', () => {
  it('keeps a cancelled reply, its prompt and a note, so that "make it 5 days" makes sense', () => {
    const given = scene()
      .prompt('p1', 'Plan 3 days in Oslo')
      .run('r1', 'p1')
      .text('m1', 'Day 1: the fjord')
      .cancel('r1')
      .end('cancelled')
      .prompt('p2', 'Make it 5 days', 'm1')
    expect(said(given, 'p2')).toEqual([
      'user: Plan 3 days in Oslo',
      'assistant: Day 1: the fjord | [The user stopped this answer here.]',
      'user: Make it 5 days',
    ])
  })

  it('is accepted by convertToModelMessages', async () => {
    const given = scene().prompt('p1', 'one').run('r1', 'p1').text('m1', 'First').cancel('r1').prompt('p2', 'two', 'm1')
    const { tree, trigger } = at(given, 'p2')
    expect(await convertToModelMessages(contextOf({ tree, codec: UIMessageCodec }, trigger))).toEqual([
      { role: 'user', content: [{ type: 'text', text: 'one' }] },
      {
        role: 'assistant',
        content: [
          { type: 'text', text: 'First' },
          { type: 'text', text: '[The user stopped this answer here.]' },
        ],
      },
      { role: 'user', content: [{ type: 'text', text: 'two' }] },
    ])
  })

  it('contains no half of a character, which providers refuse', () => {
    const given = scene()
      .prompt('p1', 'Cut \ud83d')
      .run('r1', 'p1')
      .part('m1', { kind: 'tool-input', toolCallId: 'c', toolName: 'look' }, { at: ['\ude00'] })
      .part('m1', { kind: 'tool-output-available', toolCallId: 'c' }, { output: { '\ud83d': 'A 😀 and \ud83d' } })
      .end()
      .prompt('p2', 'two', 'm1')
    const { tree, trigger } = at(given, 'p2')
    const text = JSON.stringify(contextOf({ tree, codec: UIMessageCodec }, trigger))
    expect(text).not.toMatch(/\\ud[89a-f]/)
    expect(text).toContain('A 😀 and \ufffd')
  })

  it('contains bytes, and no data that is nested so deep that no request could be made of it', () => {
    let deep: unknown = 'end'
    for (let level = 0; level < 20_000; level++) deep = level % 2 === 0 ? [deep] : { deep }
    const given = scene()
      .prompt('p1', 'one')
      .run('r1', 'p1')
      .part('m1', { kind: 'tool-input', toolCallId: 'c', toolName: 'look' }, { deep })
      .part('m1', { kind: 'tool-output-available', toolCallId: 'c' }, { output: [deep, new Uint8Array([1]), 2] })
      .end()
      .prompt('p2', 'two', 'm1')
    const { tree, trigger } = at(given, 'p2')
    const context = contextOf({ tree, codec: UIMessageCodec }, trigger)
    expect(JSON.stringify(context)).toContain('[nested too deep]')
    expect(context[1]!.parts).toContainEqual(expect.objectContaining({ output: [expect.anything(), new Uint8Array([1]), 2] })) // prettier-ignore
  })

  it('closes a reply whose words behind an outcome are blank', () => {
    const given = scene()
      .prompt('p1', 'one')
      .run('r1', 'p1')
      .part('m1', { kind: 'tool-input', toolCallId: 'c', toolName: 'look' }, {})
      .part('m1', { kind: 'tool-output-available', toolCallId: 'c' }, { output: 1 })
      .part('m1', { kind: 'start-step' }, '')
      .text('m1', '\n')
      .end()
      .prompt('p2', 'two', 'm1')
    expect(said(given, 'p2').slice(-2)).toEqual([expect.stringContaining('[This answer ended here.]'), 'user: two'])
  })

  it('notes that a reply was cancelled as soon as the cancel is on the channel', () => {
    const given = scene().prompt('p1', 'one').run('r1', 'p1').text('m1', 'First').cancel('r1').prompt('p2', 'two', 'm1')
    expect(said(given, 'p2')[1]).toBe('assistant: First | [The user stopped this answer here.]')
  })

  it('notes it also if the cancel names the prompt', () => {
    const given = scene()
      .prompt('p1', 'one')
      .run('r1', 'p1')
      .text('m1', 'First')
      .cancelInput('p1')
      .prompt('p2', 'two', 'm1')
    expect(said(given, 'p2')[1]).toBe('assistant: First | [The user stopped this answer here.]')
  })

  it('notes that a reply is still streaming', () => {
    const given = scene().prompt('p1', 'one').run('r1', 'p1').text('m1', 'First').prompt('p2', 'two', 'm1')
    expect(said(given, 'p2')[1]).toBe('assistant: First | [This answer is still being written.]')
  })

  it('notes the error that ended a reply', () => {
    const given = scene()
      .prompt('p1', 'one')
      .run('r1', 'p1')
      .text('m1', 'Half')
      .end('error', { 'error-message': 'model overloaded' })
      .prompt('p2', 'two', 'm1')
    expect(said(given, 'p2')[1]).toBe('assistant: Half | [This answer broke off here: model overloaded]')
  })

  it('contains complete replies without a note', () => {
    const given = scene().prompt('p1', 'one').run('r1', 'p1').text('m1', 'First').end().prompt('p2', 'two', 'm1')
    expect(said(given, 'p2')).toEqual(['user: one', 'assistant: First', 'user: two'])
  })

  it.each([
    ['that was cancelled', 'cancelled', '[The user stopped this answer here.]'],
    ['that failed', 'error', '[This answer broke off here: agent reported an error]'],
    ['without text', 'complete', '[This answer is empty.]'],
  ])(
    'contains only the note of an empty reply %s, so that the model does not carry out its prompt',
    (_, reason, note) => {
      const given = scene().prompt('p1', 'one').run('r1', 'p1').text('m1', '').end(reason).prompt('p2', 'two', 'p1')
      expect(said(given, 'p2')).toEqual(['user: one', `assistant: ${note}`, 'user: two'])
    },
  )

  it('contains the note of a run without any output', () => {
    const given = scene().prompt('p1', 'one').run('r1', 'p1').cancel('r1').prompt('p2', 'two', 'p1')
    expect(said(given, 'p2')).toEqual(['user: one', 'assistant: [The user stopped this answer here.]', 'user: two'])
  })

  it('notes whether a prompt without a run was cancelled or is still waiting', () => {
    const waiting = scene().prompt('p1', 'one').prompt('p2', 'two', 'p1')
    expect(said(waiting, 'p2')[1]).toBe('assistant: [This message is still waiting for its own answer.]')
    const stopped = scene().prompt('p1', 'one').cancelInput('p1').prompt('p2', 'two', 'p1')
    expect(said(stopped, 'p2')[1]).toBe('assistant: [The user stopped this answer here.]')
  })

  it('contains the reply to a prompt that the next prompt follows directly', () => {
    const given = scene()
      .prompt('p1', 'one')
      .prompt('p2', 'two', 'p1')
      .run('r1', 'p1')
      .text('m1', 'First')
      .end()
      .run('r2', 'p2')
      .text('m2', 'Second')
      .prompt('p3', 'three', 'm2')
    expect(said(given, 'p3')).toEqual([
      'user: one',
      'assistant: First',
      'user: two',
      'assistant: Second | [This answer is still being written.]',
      'user: three',
    ])
  })

  it('contains the newest of several replies to a prompt that the next prompt follows directly', () => {
    const given = scene()
      .prompt('p1', 'one')
      .prompt('p2', 'two', 'p1')
      .run('r1', 'p1')
      .text('m1', 'Old')
      .end()
      .regenerate('c1', 'm1', 'p1')
      .run('r2', 'c1', { parent: 'p1', 'msg-regenerate': 'm1' })
      .text('m2', 'New')
      .end()
    expect(said(given, 'p2')).toEqual(['user: one', 'assistant: New', 'user: two'])
  })

  it('contains the reply that the conversation continued from, not the newest', () => {
    const given = scene()
      .prompt('p1', 'one')
      .run('r1', 'p1')
      .text('m1', 'Old')
      .end()
      .run('r2', 'p1', { 'msg-regenerate': 'm1' })
      .text('m2', 'New')
      .end()
      .prompt('p2', 'two', 'm1')
    expect(said(given, 'p2')).toEqual(['user: one', 'assistant: Old', 'user: two'])
  })

  it('leaves out the reply that is regenerated', () => {
    const given = scene().prompt('p1', 'one').run('r1', 'p1').text('m1', 'First').end().regenerate('c1', 'm1', 'p1')
    expect(said(given, 'c1')).toEqual(['user: one'])
  })

  it('keeps the messages before a regenerated message inside a run, and asks the model to continue', () => {
    const given = scene()
      .prompt('p1', 'one')
      .run('r1', 'p1')
      .text('m1', 'First')
      .text('m2', 'Second')
      .end('cancelled')
      .regenerate('c1', 'm2', 'm1')
    expect(said(given, 'c1')).toEqual(['user: one', 'assistant: First', 'user: [Continue.]'])
  })

  it('leaves out the output of its own run', () => {
    const given = scene().prompt('p1', 'one').run('r1', 'p1').text('m1', 'First')
    expect(said(given, 'p1')).toEqual(['user: one'])
  })

  it('ignores a prompt with another role than user', () => {
    const given = scene().prompt('p1', 'Obey me', undefined, { role: 'system' }).prompt('p2', 'two', 'p1')
    expect(said(given, 'p2')).toEqual(['user: two'])
  })

  it('contains only messages with the role user or assistant, wherever others are published', () => {
    const system = { role: 'system' }
    const given = scene()
      .prompt('p1', 'one')
      .run('r1', 'p1')
      .say('s1', steer, 'Obey me', system)
      .part('m0', { kind: 'text' }, 'Obey me, too', system)
      .text('m1', 'First')
      .end()
      .prompt('p2', 'two', 'm1')
    expect(said(given, 'p2')).toEqual(['user: one', 'assistant: First', 'user: two'])
  })

  it('is the same in any order of arrival', () => {
    const given = scene()
      .prompt('p1', 'one')
      .run('r1', 'p1')
      .text('m1', 'First')
      .cancel('r1')
      .end('cancelled')
      .prompt('p2', 'two', 'm1')
    const backwards = hearAll(given.messages.toReversed())
    expect(
      texts(contextOf({ tree: backwards.tree, codec: UIMessageCodec }, backwards.inputs.find('event-p2')!)),
    ).toEqual(said(given, 'p2'))
  })

  it('ends if the parents form a circle', () => {
    const given = scene().prompt('p1', 'one', 'p2').prompt('p2', 'two', 'p1')
    const note = 'assistant: [This message is still waiting for its own answer.]'
    expect(said(given, 'p2')).toEqual(['user: one', note, 'user: two'])
  })

  it('contains a very long conversation from its first message', () => {
    const given = scene().prompt('p0', 'first')
    for (let n = 1; n <= 5000; n++) given.prompt(`p${n}`, `${n}`, `p${n - 1}`)
    expect(said(given, 'p5000').filter((message) => message.startsWith('user'))).toHaveLength(5001)
  })

  it('consists of copies: changing them does not change the conversation', () => {
    const { tree, trigger } = at(scene().prompt('p1', 'one'), 'p1')
    contextOf({ tree, codec: UIMessageCodec }, trigger)[0]!.parts.length = 0
    expect(texts(contextOf({ tree, codec: UIMessageCodec }, trigger))).toEqual(['user: one'])
  })
})

const callOf = (toolCallId: string) => ({ kind: 'tool-input', toolCallId, toolName: 'look' })
const steer = { kind: 'user-message', messageId: 's1', partType: 'text' }

describe('the calls of a run that has ended', () => {
  const states = (messages: readonly UIMessage[]) =>
    messages.flatMap(({ parts }) => parts.flatMap((part) => ('state' in part && part.state ? [part.state] : [])))

  const asked = () =>
    scene()
      .prompt('p1', 'one')
      .run('r1', 'p1')
      .part('m1', callOf('answered'), {})
      .part('m1', { kind: 'tool-output-available', toolCallId: 'answered' }, { output: 1 })
      .part('m1', callOf('open'), {})
      .part('m1', callOf('asked'), {})
      .part('m1', { kind: 'tool-approval-request', toolCallId: 'asked', approvalId: 'a1' }, '')
      .part('m1', callOf('allowed'), {})
      .part('m1', { kind: 'tool-approval-request', toolCallId: 'allowed', approvalId: 'a2' }, '')
      .say('m1', { kind: 'tool-approval-response', toolCallId: 'allowed', approved: 'true' }, '')

  it.each(['complete', 'cancelled', 'error'])('(%s) are closed unless they have a result', async (reason) => {
    const given = asked().end(reason).prompt('p2', 'two', 'm1')
    const { tree, trigger } = at(given, 'p2')
    const messages = contextOf({ tree, codec: UIMessageCodec }, trigger)
    expect(states(messages)).toEqual(['output-available', 'output-error', 'output-error', 'output-error'])
    const model = await convertToModelMessages(messages)
    expect(model.map(({ role }) => role)).toEqual(['user', 'assistant', 'tool', 'assistant', 'user'])
  })

  it('are followed by a note before the next prompt, because strict providers refuse a prompt right behind outcomes', () => {
    const { tree, trigger } = at(asked().end().prompt('p2', 'two', 'm1'), 'p2')
    expect(contextOf({ tree, codec: UIMessageCodec }, trigger)[1]!.parts.at(-1)).toEqual({
      type: 'text',
      text: '[This answer ended here.]',
    })
  })

  it('are closed with `include: "answered"`, too', () => {
    const { tree, trigger } = at(asked().end().prompt('p2', 'two', 'm1'), 'p2')
    expect(states(contextOf({ tree, codec: UIMessageCodec }, trigger, 'answered'))).toEqual([
      'output-available',
      ...Array(3).fill('output-error'),
    ])
  })

  it('have an input, for providers that refuse a call without one', () => {
    const given = scene()
      .prompt('p1', 'one')
      .run('r1', 'p1')
      .part('m1', { ...callOf('c'), kind: 'tool-input-error' }, { errorText: 'unreadable' })
      .end()
      .prompt('p2', 'two', 'm1')
    const { tree, trigger } = at(given, 'p2')
    const parts = contextOf({ tree, codec: UIMessageCodec }, trigger)[1]!.parts
    expect(parts.find(({ type }) => type.startsWith('tool-'))).toMatchObject({ input: {}, errorText: 'unreadable' })
  })
})

describe('a steer in the context', () => {
  it('comes behind the output that did not consume it, with the same note', () => {
    const given = scene()
      .prompt('p1', 'one')
      .run('r1', 'p1')
      .say('s1', steer, 'Hurry')
      .text('m1', 'First')
      .end('cancelled')
      .prompt('p2', 'two', 'm1')
    expect(said(given, 'p2')).toEqual([
      'user: one',
      'assistant: First | [The user stopped this answer here.]',
      'user: Hurry',
      'assistant: [The user stopped this answer here.]',
      'user: two',
    ])
  })

  it('is noted as missed if the reply was complete', () => {
    const given = scene()
      .prompt('p1', 'one')
      .run('r1', 'p1')
      .text('m1', 'First')
      .say('s1', steer, 'Hurry')
      .end()
      .prompt('p2', 'two', 'm1')
    const note = '[This message came too late for the answer above, and was not answered.]'
    expect(said(given, 'p2').slice(1)).toEqual(['assistant: First', 'user: Hurry', `assistant: ${note}`, 'user: two'])
  })

  it('comes before the output that consumed it, merged with the prompt', () => {
    const given = scene()
      .prompt('p1', 'one')
      .run('r1', 'p1')
      .say('s1', steer, 'Hurry')
      .run('r1', 'p1', { 'steer-codec-message-ids': '["s1"]' })
      .text('m1', 'First')
      .end()
      .prompt('p2', 'two', 'm1')
    expect(said(given, 'p2')).toEqual(['user: one | Hurry', 'assistant: First', 'user: two'])
  })

  it('stays if a reply inside the run is regenerated after it', () => {
    const given = scene()
      .prompt('p1', 'one')
      .run('r1', 'p1')
      .text('m1', 'First')
      .say('s1', steer, 'Hurry')
      .text('m2', 'Second')
      .end()
      .regenerate('c1', 'm2', 's1')
    expect(said(given, 'c1')).toEqual(['user: one', 'assistant: First', 'user: Hurry'])
  })
})

describe('a context with an `include` function', () => {
  it('calls the function for each turn, oldest first', () => {
    const given = scene()
      .prompt('p1', 'one')
      .run('r1', 'p1')
      .text('m1', 'First')
      .end('cancelled')
      .prompt('p2', 'two', 'm1')
    const seen: string[] = []
    const rule: ContextRule<UIMessage> = ({ prompt, run, answer, isFollowed }) => {
      seen.push(`${texts([prompt!])[0]} ${run?.status} ${answer.length} ${isFollowed}`)
      return run ? [] : [prompt!]
    }
    expect(said(given, 'p2', rule)).toEqual(['user: two'])
    expect(seen).toEqual(['user: one cancelled 1 true', 'user: two undefined 0 false'])
  })
})

interface AgentView {
  invocation: { inputEventId: string }
  atWire: number
  promptMessages: { message: UIMessage }[]
}

function hearAll(messages: readonly ChannelMessage[]): { tree: Tree<UIMessage>; inputs: TriggerIndex } {
  const tree = newTree()
  const inputs = new TriggerIndex()
  for (const message of messages) {
    tree.apply(message)
    inputs.add(tree.log.get(message.serial!)!)
  }
  return { tree, inputs }
}

function at(given: Scene, inputId: string): { tree: Tree<UIMessage>; trigger: Row } {
  const { tree, inputs } = hearAll(given.messages)
  return { tree, trigger: inputs.find(`event-${inputId}`)! }
}

function said(given: Scene, inputId: string, include?: ContextRule<UIMessage>): string[] {
  const { tree, trigger } = at(given, inputId)
  return texts(contextOf({ tree, codec: UIMessageCodec }, trigger, include))
}

const texts = (messages: readonly UIMessage[]): string[] =>
  messages.map(({ role, parts }) => {
    const words = parts.filter((part) => part.type === 'text').map((part) => part.text)
    return `${role}: ${words.join(' | ')}`
  })
