import { readdirSync } from 'node:fs'
import { convertToModelMessages, type ModelMessage, type UIMessage } from 'ai'
import { describe, expect, it } from 'vitest'
import { UIMessageCodec } from '../../src/codec'
import { contextOf } from '../../src/agent/context'
import { PublishedRows } from '../../src/agent/run-publisher'
import { TriggerIndex } from '../../src/agent/history'
import { UsedAnswers } from '../../src/agent/live-run'
import { hear, newTree, once, readTranscript } from '../support/transcripts'

interface AgentView {
  runId: string
  invocationId: string
  invocation?: { inputEventId: string }
  atWire: number
  promptMessages: { message: UIMessage }[]
}

type Recording = ReturnType<typeof readTranscript> & {
  agentViews?: AgentView[]
  fullWire?: ReturnType<typeof readTranscript>['wire']
}

const recordings = readdirSync(new URL('../transcripts/', import.meta.url))
  .map((file) => readTranscript(file.replace('.json', '')) as Recording)
  .filter(({ agentViews }) => agentViews?.length)

interface Deviation {
  why: string
  messages(recorded: UIMessage[]): unknown
}

/** Contexts that differ from the peer's for a reason, by recording and number. */
const deviations: Record<string, Record<number, Deviation>> = {
  'tool-approval-deny': {
    1: {
      why: 'a denial keeps the id of the request and the reason (fault 8)',
      messages: ([prompt, reply]) => {
        const approval = { id: 'appr-1', approved: false, reason: 'too risky' }
        return [prompt, { ...reply, parts: [reply!.parts[0], { ...reply!.parts[1], approval }] }]
      },
    },
  },
}

describe.each(recordings)('the context of the agent in $name', ({ name, wire, fullWire = wire, agentViews = [] }) => {
  it('equals the peer\'s for `include: "answered"`', () => {
    for (const [index, view] of agentViews.entries()) {
      const recorded = view.promptMessages.map(({ message }) => message)
      const deviation = deviations[name]?.[index]
      expect(read(view, 'answered'), `view ${index}`).toEqual(deviation ? deviation.messages(recorded) : recorded)
    }
  })

  it('is accepted by convertToModelMessages, with a result for every call', async () => {
    for (const view of agentViews) {
      for (const include of ['all', 'answered'] as const) {
        expect(unanswered(await convertToModelMessages(read(view, include)))).toEqual([])
      }
    }
  })

  function read(view: AgentView, include: 'all' | 'answered'): UIMessage[] {
    const tree = newTree()
    const inputs = new TriggerIndex()
    hear(tree, once(fullWire).slice(0, view.atWire))
    for (const row of tree.log.rows()) inputs.add(row)
    const { inputEventId } = (view.invocation ?? firstOf(view).invocation)!
    const fresh = { published: new PublishedRows(), answers: new UsedAnswers(), isIgnored: () => false }
    const own = { runId: view.runId, ownerClientId: undefined, ...fresh }
    return contextOf({ tree, codec: UIMessageCodec }, inputs.find(inputEventId)!, include, own)
  }

  const firstOf = ({ invocationId }: AgentView) => agentViews.find((view) => view.invocationId === invocationId)!
})

/** Calls without a result, as strict providers count them; the AI SDK first runs the approved ones. */
function unanswered(messages: readonly ModelMessage[]): string[] {
  const missing: string[] = []
  for (const [index, { role, content }] of messages.entries()) {
    if (role !== 'assistant' || typeof content === 'string') continue
    const next = messages[index + 1]
    const outcomes = [...content, ...(next?.role === 'tool' ? next.content : [])]
    const approvals = new Map(
      content.flatMap((part) => (part.type === 'tool-approval-request' ? [[part.approvalId, part.toolCallId]] : [])),
    )
    const settled = new Set(
      outcomes.flatMap((part) => {
        if (part.type === 'tool-result') return [part.toolCallId]
        return part.type === 'tool-approval-response' ? [approvals.get(part.approvalId)] : []
      }),
    )
    for (const part of content)
      if (part.type === 'tool-call' && !settled.has(part.toolCallId)) missing.push(part.toolCallId)
  }
  return missing
}
