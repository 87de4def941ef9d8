import type { UIMessage } from 'ai'
import * as fc from 'fast-check'
import { isDeepStrictEqual } from 'node:util'
import { expect, it } from 'vitest'
import { UIMessageCodec } from '../../src'
import { bySerial } from '../../src/core/collections'
import { Tree } from '../../src/core/tree'
import type { ChannelMessage } from '../../src/core/wire'
import { randomFrom, shuffled } from '../support/channel-table'
import { hear, newTree } from '../support/transcripts'
import { answersFor } from '../../src/agent/live-run'
import { later, message, output, runMessage } from './wire'

/** Of each property. */
const numRuns = Number(process.env.RUNS ?? 300)

const calls = ['c1', 'c2']
const clients = ['alice', 'bob', 'carol']
const kinds = ['yes', 'no', 'output', 'error'] as const

interface Said {
  client: number
  call: number
  kind: (typeof kinds)[number]
}

const said: fc.Arbitrary<Said> = fc.record({
  client: fc.nat(clients.length - 1),
  call: fc.nat(calls.length - 1),
  kind: fc.constantFrom(...kinds),
})

function inputOf({ client, call, kind }: Said, index: number): ChannelMessage {
  const toolCallId = calls[call]!
  const by = clients[client]!
  const answer =
    kind === 'output'
      ? UIMessageCodec.createToolOutput({ toolCallId, output: by })
      : kind === 'error'
        ? UIMessageCodec.createToolOutputError({ toolCallId, errorText: by })
        : UIMessageCodec.createToolApproval({ toolCallId, approved: kind === 'yes', reason: by })
  const transport = { role: 'user', 'codec-message-id': 'm', 'run-id': 'r', 'event-id': `e${index}` }
  return { ...message('ai-input', transport, { ...answer.codec }, answer.data), clientId: by }
}

const asked = (): ChannelMessage[] =>
  calls.flatMap((toolCallId) => [
    output('r', { kind: 'tool-input', toolCallId, toolName: 'pay' }, {}),
    output('r', { kind: 'tool-approval-request', toolCallId, approvalId: `a-${toolCallId}` }),
  ])

const callsOf = (tree: Tree<object>): unknown =>
  JSON.parse(JSON.stringify((tree.runs.get('r')!.message('m') as { parts: unknown[] }).parts))

it('of several answers to a tool call one counts, the same for all clients and the agent, in any order of arrival', () => {
  const property = fc.property(
    fc.array(said, { minLength: 1, maxLength: 12 }),
    fc.nat(),
    fc.nat(12),
    (all, seed, heard) => {
      const before = asked()
      const answers = all.map(inputOf)
      const channel = [...before, ...answers]
      // The agent receives the channel in its order, and acts at some point
      const agent = newTree()
      hear(agent, [...before, ...answers.slice(0, heard)])
      const acted = callsOf(agent) as { state?: string; toolCallId?: string }[]
      const seen = clients.map((_, index) => {
        const tree = newTree()
        hear(tree, shuffled([...channel, ...answers], randomFrom(seed + index)))
        return tree
      })
      const states = seen.map(callsOf)
      for (const state of states) expect(state).toEqual(states[0])
      const settled = acted.filter(({ state }) => state?.startsWith('output-'))
      expect(states[0]).toEqual(expect.arrayContaining(settled))
      expectLateOnesTold(seen[0]!, answers)
    },
  )
  fc.assert(property, { numRuns })
})

type Call = {
  state: string
  toolCallId: string
  output?: unknown
  approval?: { approved?: boolean; reason?: string }
}

/** Output of the agent about calls whose decision it has acted on. */
const actedOn = (calls: readonly Call[]): ChannelMessage[] =>
  calls.flatMap(({ state, toolCallId }) => {
    if (state === 'approval-responded')
      return output('r', { kind: 'tool-output-available', toolCallId }, { output: `ran ${toolCallId}` })
    return state === 'output-denied' ? output('r', { kind: 'tool-output-denied', toolCallId }) : []
  })

it('the decision that the agent has acted on is shown, even if an earlier one reaches the agent later from another site', () => {
  const property = fc.property(
    fc.array(said, { minLength: 1, maxLength: 12 }),
    fc.nat(),
    fc.nat(12),
    (all, seed, heard) => {
      const before = asked()
      const answers = all.map(inputOf)
      const agent = newTree()
      hear(agent, [...before, ...shuffled(answers, randomFrom(seed)).slice(0, heard)])
      const acted = callsOf(agent) as Call[]
      const published = actedOn(acted)
      const decided = new Set(published.map(({ extras }) => (extras as { ai: { codec: Call } }).ai.codec.toolCallId))
      const expected = acted
        .filter(({ toolCallId }) => decided.has(toolCallId))
        .map(({ state, toolCallId }) =>
          state === 'output-denied'
            ? { toolCallId, state, approval: { approved: false } }
            : { toolCallId, state: 'output-available', output: `ran ${toolCallId}` },
        )
      const channel = [...before, ...answers, ...published]
      for (const index of clients.keys()) {
        const tree = newTree()
        hear(tree, shuffled([...channel, ...answers, ...published], randomFrom(seed + index)))
        const shown = (callsOf(tree) as Call[]).filter(({ toolCallId }) => decided.has(toolCallId))
        expect(shown).toMatchObject(expected)
      }
    },
  )
  fc.assert(property, { numRuns })
})

const naming = ['ai-run-resume', 'ai-step-start', 'ai-step-end', 'ai-run-suspend', 'ai-run-end'] as const

const goingOn = (tree: Tree<UIMessage>, name: (typeof naming)[number], invocation: string): ChannelMessage =>
  runMessage(name, 'r', {
    'invocation-id': invocation,
    ...(name.startsWith('ai-step') && { 'step-id': invocation }),
    'answer-serials': JSON.stringify(answersFor(tree.runs.get('r'))),
  })

/** Whether a call still says what the agent has acted on: its outcome, or an approval that an output may follow. */
const isStill = (now: Call, acted: Call): boolean =>
  acted.state === 'approval-responded'
    ? now.approval?.approved === true && now.approval.reason === acted.approval?.reason
    : isDeepStrictEqual(now, acted)

it('the answers that a message of the run names count everywhere, even if earlier ones of another site arrive later', () => {
  const property = fc.property(
    fc.array(said, { minLength: 1, maxLength: 12 }),
    fc.nat(),
    fc.nat(12),
    fc.nat(12),
    fc.constantFrom(...naming),
    (all, seed, heard, more, last) => {
      const before = asked()
      const answers = all.map(inputOf)
      const agent = newTree()
      const arriving = shuffled(answers, randomFrom(seed))
      hear(agent, before)
      const acted: Call[] = []
      const resumes: ChannelMessage[] = []
      // The agent resumes the run, then goes on or ends it, with the answers that have reached it by then. It hears the others later
      for (const [invocation, upTo] of [heard, heard + more].entries()) {
        hear(agent, arriving.slice(0, upTo))
        const name = invocation === 1 ? last : 'ai-run-resume'
        const resume = goingOn(agent, name, `i${invocation}`)
        resumes.push(resume)
        hear(agent, [resume])
        const answered = (callsOf(agent) as Call[]).filter(({ state }) => state !== 'approval-requested')
        for (const call of answered) if (!acted.some((each) => isStill(call, each))) acted.push(call)
      }
      const channel = [...before, ...answers, ...resumes]
      hear(agent, arriving)
      const seen = clients.map((_, index) => {
        const tree = newTree()
        hear(tree, shuffled([...channel, ...answers, ...resumes], randomFrom(seed + index)))
        return tree
      })
      for (const tree of [agent, ...seen]) {
        const calls = callsOf(tree) as Call[]
        expect(calls).toEqual(callsOf(agent))
        for (const each of acted) {
          const now = calls.find(({ toolCallId }) => toolCallId === each.toolCallId)!
          expect([each, now]).toSatisfy(() => isStill(now, each))
        }
        expectLateOnesTold(tree, answers)
      }
    },
  )
  fc.assert(property, { numRuns })
})

it.each(['message.delete', 'message.update'] as const)(
  'answers count by their order again after a %s of the resume that named another one, for all clients',
  (action) => {
    const before = asked()
    const answers = [0, 1].map((client) => inputOf({ client, call: 0, kind: 'output' }, client))
    const resume = runMessage('ai-run-resume', 'r', {
      'invocation-id': 'i1',
      'answer-serials': JSON.stringify([answers[1]!.serial]),
    })
    const withdrawn = later(resume, action, { transport: { 'answer-serials': undefined } })
    const channel = [...before, ...answers, resume, withdrawn]
    const shown = (tree: Tree<object>): unknown =>
      (callsOf(tree) as Call[]).find(({ toolCallId }) => toolCallId === 'c1')?.output
    for (const seed of Array.from({ length: 20 }).keys()) {
      const tree = newTree()
      hear(tree, shuffled(channel, randomFrom(seed)))
      expect(shown(tree)).toBe('alice')
    }
    const live = newTree()
    hear(live, channel.slice(0, -1))
    expect(shown(live)).toBe('bob')
    hear(live, [withdrawn])
    expect(shown(live)).toBe('alice')
  },
)

it('an answer that names another message does not change the call, even if it comes first', () => {
  const before = asked()
  const astray = inputOf({ client: 1, call: 0, kind: 'yes' }, 1)
  const { ai } = astray.extras as { ai: { transport: Record<string, unknown> } }
  ai.transport['codec-message-id'] = 'other'
  const denial = inputOf({ client: 0, call: 0, kind: 'no' }, 0)
  const resume = runMessage('ai-run-resume', 'r', { 'answer-serials': JSON.stringify([denial.serial]) })
  for (const seed of Array.from({ length: 20 }).keys()) {
    const tree = newTree()
    hear(tree, shuffled([...before, astray, denial, resume], randomFrom(seed)))
    const call = (callsOf(tree) as Call[]).find(({ toolCallId }) => toolCallId === 'c1')
    expect(call).toMatchObject({ state: 'output-denied', approval: { approved: false } })
  }
})

it('a run whose rows are kept in little room still knows which answers were outdone', () => {
  const answers = [0, 1].map((client) => inputOf({ client, call: 0, kind: 'output' }, client))
  const end = runMessage('ai-run-end', 'r', {
    'run-reason': 'cancelled',
    'answer-serials': JSON.stringify([answers[1]!.serial]),
  })
  const tree = newTree()
  hear(tree, [...asked(), ...answers, end])
  const run = tree.runs.get('r')!
  tree.compact([run])
  const outdone = answers.map(({ serial }) => run.isOutdone(tree.log.get(serial!)))
  expect(outdone).toEqual([true, false])
})

it('asks the codec about no answer to another call, so 500 answered calls cost no more each than five', () => {
  let questions = 0
  const settles = (...headers: Parameters<NonNullable<typeof UIMessageCodec.settles>>): string | undefined => {
    questions++
    return UIMessageCodec.settles!(...headers)
  }
  const tree = new Tree({ ...UIMessageCodec, settles })
  const about = (toolCallId: string) => ({ kind: 'tool-result', toolCallId })
  const transport = { role: 'user', 'codec-message-id': 'm', 'run-id': 'r' }
  for (let index = 0; index < 500; index++) {
    const toolCallId = `call-${index}`
    hear(tree, [
      output('r', { kind: 'tool-input', toolCallId, toolName: 'pay' }, {}),
      message('ai-input', { ...transport, 'event-id': `e${index}` }, about(toolCallId), { output: index }),
    ])
    expect(answersFor(tree.runs.get('r'))).toHaveLength(index + 1)
  }
  hear(tree, [goingOn(tree, 'ai-run-resume', 'i1')])
  expect(answersFor(tree.runs.get('r'))).toEqual([])
  expect(questions).toBeLessThan(5000)
})

/** Each answer either counts, or its sender learns which answer came first. */
function expectLateOnesTold(tree: Tree<object>, answers: readonly ChannelMessage[]): void {
  const run = tree.runs.get('r')!
  const rows = run.contentRows.filter(({ name }) => name === 'ai-input')
  const counted = rows.filter((row) => run.answers.before(row) === undefined)
  expect([...run.answers.counted].toSorted(bySerial)).toEqual(counted)
  expect(rows).toHaveLength(answers.length)
  for (const call of calls) {
    const own = counted.filter(({ codec }) => codec.toolCallId === call)
    // An approval can be followed by the output of a tool that runs on a client
    const [outcome, ...more] = own[0]?.codec.approved === 'true' ? own.slice(1) : own
    expect(more).toEqual([])
    expect(outcome?.codec.approved).not.toBe('true')
  }
}
