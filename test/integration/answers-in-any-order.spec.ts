import type { LanguageModelV4, LanguageModelV4StreamPart } from '@ai-sdk/provider'
import { convertToModelMessages, jsonSchema, simulateReadableStream, streamText, tool, type UIMessage } from 'ai'
import { expect, it } from 'vitest'
import { UIMessageCodec, type ClientSession } from '../../src'
import { randomFrom } from '../support/channel-table'
import { eventually } from '../support/eventually'
import { usage } from '../support/hand-model'
import { startScene, type Scene } from '../support/scene'
import { answerFromFar } from '../support/tools'

/** `SEEDS=200` tries more histories, `SEED=7` tries one again. */
const { SEED, SEEDS = SEED === undefined ? 8 : 1 } = process.env
const firstSeed = Number(SEED ?? 1)
const seeds = Array.from({ length: Number(SEEDS) }, (_, index) => firstSeed + index)

const clients = ['alice', 'bob', 'carol']
const calls = { c1: 'locate', c2: 'pay', c3: 'locate', c4: 'pay' } as const
type CallId = keyof typeof calls
const callIds = Object.keys(calls) as CallId[]

interface Call {
  type: string
  toolCallId: CallId
  state: string
  output?: unknown
  errorText?: string
  approval?: { approved?: boolean; reason?: string }
}

const callsOf = (message: UIMessage): Call[] =>
  message.parts.filter((part) => 'toolCallId' in part).map((part) => JSON.parse(JSON.stringify(part)) as Call)

/** The tool calls of a conversation as a client shows them. */
const shownCalls = ({ view }: ClientSession<UIMessage>): Call[] =>
  view.getMessages().flatMap(({ message }) => callsOf(message))

const isOpen = ({ state }: Call): boolean => state === 'input-available' || state === 'approval-requested'

/** The result of a shown call in a request of the model. */
const toldOf = ({ output, errorText, approval }: Call): unknown =>
  output === undefined ? { type: 'error-text', value: errorText ?? approval?.reason } : { type: 'text', value: output }

/** An agent that makes these calls, and ends when all have an outcome. */
function anAgent(ids: readonly CallId[]) {
  const allCalls: LanguageModelV4StreamPart[] = [
    ...ids.map((id) => ({ type: 'tool-call', toolCallId: id, toolName: calls[id], input: '{}' }) as const),
    { type: 'finish', finishReason: { unified: 'tool-calls', raw: '' }, usage },
  ]
  /** The calls that the agent has run. */
  const executed: string[] = []
  /** The outcomes of calls in each request of the model. */
  const told: Map<string, unknown>[] = []
  const model: LanguageModelV4 = {
    specificationVersion: 'v4',
    provider: 'test',
    modelId: 'calls',
    supportedUrls: {},
    doGenerate: () => Promise.reject(new Error('only streams')),
    async doStream({ prompt }) {
      const results = prompt.flatMap(({ role, content }) => (role === 'tool' ? content : []))
      told.push(
        new Map(results.flatMap((part) => (part.type === 'tool-result' ? [[part.toolCallId, part.output]] : []))),
      )
      return { stream: simulateReadableStream({ chunks: results.length > 0 ? theEnd : allCalls }) }
    },
  }
  const inputSchema = jsonSchema({ type: 'object' })
  const pay = tool({
    inputSchema,
    needsApproval: true,
    execute: (_, { toolCallId }) => `paid ${executed.push(toolCallId)}`,
  })
  const tools = { pay, locate: tool({ inputSchema }) }
  const respond: NonNullable<Parameters<typeof startScene>[1]>['respond'] = async (run) => {
    const messages = await convertToModelMessages(run.context())
    await run.pipe(streamText({ model, messages, tools }).toUIMessageStream({ onError: String }))
  }
  return { executed, told, respond }
}

const theEnd: LanguageModelV4StreamPart[] = [{ type: 'finish', finishReason: { unified: 'stop', raw: '' }, usage }]

function answerOf(toolCallId: CallId, client: string, random: () => number) {
  if (calls[toolCallId] === 'pay')
    return UIMessageCodec.createToolApproval({ toolCallId, approved: random() < 0.5, reason: client })
  return random() < 0.7
    ? UIMessageCodec.createToolOutput({ toolCallId, output: client })
    : UIMessageCodec.createToolOutputError({ toolCallId, errorText: client })
}

/** Disturbs the connection of a client until the returned function is called. */
function disturb({ endpoint }: Scene, clientId: string, random: () => number): () => void {
  const ways = [
    () => endpoint.dropConnection(clientId, { refuseFor: Infinity }),
    () => endpoint.delayPublish({ clientId }),
    () => endpoint.freeze(clientId),
    () => endpoint.disturb(clientId, 'duplicate'),
    () => endpoint.disturb(clientId, 'reorder'),
    () => endpoint.loseAck({ clientId }),
  ]
  return ways[Math.floor(random() * ways.length)]!()
}

const shuffled = <T>(items: readonly T[], random: () => number): T[] =>
  items
    .map((item) => ({ item, rank: random() }))
    .toSorted((a, b) => a.rank - b.rank)
    .map(({ item }) => item)

/** Answers of a client to some of the calls, together or one by one, some of them twice; resolves with the errors. */
async function answerSome(session: ClientSession<UIMessage>, client: string, reply: string, random: () => number) {
  const given = shuffled(callIds, random)
    .filter(() => random() < 0.6)
    .map((id) => answerOf(id, client, random))
  const groups = random() < 0.3 ? [given] : given.flatMap((each) => (random() < 0.2 ? [[each], [each]] : [[each]]))
  const sent: Promise<unknown>[] = []
  for (const group of groups) {
    sent.push(session.view.answer(reply, group).catch((error: unknown) => error))
    if (random() < 0.3) await new Promise((resolve) => setImmediate(resolve))
  }
  return { given, errors: Promise.all(sent).then((results) => results.filter((result) => result instanceof Error)) }
}

/** A run that waits for answers to these calls, as three clients with disturbed connections show it. */
async function aRunThatWaits(seed: number, ids: readonly CallId[]) {
  const random = randomFrom(seed)
  const { respond, ...agent } = anAgent(ids)
  const scene = await startScene(`any-order-${seed}`, { respond })
  const sessions = await Promise.all(clients.map((client) => scene.open(client)))
  const [alice] = sessions as [ClientSession<UIMessage>]
  await alice.view.send('Pay, please')
  await eventually(() => {
    for (const { view } of sessions) expect(view.runs().map(({ status }) => status)).toEqual(['suspended'])
  })
  const { runId } = alice.view.runs()[0]!
  const reply = alice.view.getMessages().at(-1)!.id
  const lateErrors = sessions.map((session) => {
    const errors: unknown[] = []
    session.on('error', (error) => errors.push(error))
    return errors
  })
  return { ...agent, random, scene, sessions, alice, runId, reply, lateErrors }
}

type Waiting = Awaited<ReturnType<typeof aRunThatWaits>>

/** The calls as all clients and a new one show them when the runs of the branch have ended; the agent has acted on the same. */
async function whatAllShow({ sessions, scene, told, executed }: Waiting): Promise<Call[]> {
  await eventually(() => {
    for (const { view, status } of sessions) {
      expect([status, ...view.runs().map((run) => run.status)]).toEqual(['ready', 'complete'])
      expect(view.pending()).toEqual([])
    }
  })
  const shown = shownCalls(await scene.open('newcomer'))
  await eventually(() => {
    for (const session of sessions) expect(shownCalls(session)).toEqual(shown)
  })
  // The model asks once, and is told the same outcomes whenever it is called again
  const outcomes = new Map<string, unknown>(shown.map((call) => [call.toolCallId, toldOf(call)]))
  expect(told).toEqual([new Map(), outcomes])
  const paid = shown.filter(({ type, state }) => type === 'tool-pay' && state === 'output-available')
  expect(executed.toSorted()).toEqual(paid.map(({ toolCallId }) => toolCallId))
  return shown
}

/** Whether an output that is shown is of another client. */
const isLost = ({ type, output, errorText }: Call, client: string): boolean =>
  type === 'tool-locate' && (output ?? errorText) !== client

const isTold = (errors: readonly unknown[]): boolean =>
  errors.some((error) => String(error).includes('already answered'))

it.each(seeds)(
  'three clients that answer the same calls in any order show what the agent acts on (SEED=%i)',
  async (seed) => {
    const waiting = await aRunThatWaits(seed, callIds)
    const { random, scene, sessions, alice, runId, reply, lateErrors } = waiting
    const arrive = random() < 0.5 ? await answerFromFar(await scene.wire('dave')) : undefined
    const ends = clients.map((client) => disturb(scene, client, random))
    const answered = await Promise.all(
      sessions.map((session, index) => answerSome(session, clients[index]!, reply, random)),
    )
    const late = () => void arrive?.({ toolCallId: 'c1', output: 'dave', runId, reply })
    for (const act of shuffled([...ends, late], random)) act()
    const errors = await Promise.all(answered.map((each) => each.errors))
    // Calls without an answer so far
    await eventually(() => expect(sessions.map(({ status }) => status)).toEqual(clients.map(() => 'ready')))
    for (const { toolCallId } of shownCalls(alice).filter(isOpen)) {
      // It is refused if the answer from far away has arrived since
      await alice.view.answer(reply, answerOf(toolCallId, 'alice', random)).catch(() => undefined)
    }
    const shown = await whatAllShow(waiting)
    expect(shown.map(({ toolCallId }) => toolCallId)).toEqual(callIds)
    const unaware = clients.filter((client, index) => {
      const ids = answered[index]!.given.map(({ codec }) => codec.toolCallId)
      const hasLost = shown.some((call) => ids.includes(call.toolCallId) && isLost(call, client))
      return hasLost && !isTold([...errors[index]!, ...lateErrors[index]!])
    })
    expect(unaware).toEqual([])
  },
)

it.each(seeds)(
  'three clients that answer one call in its run and in forks show what the agent acts on (SEED=%i)',
  async (seed) => {
    const waiting = await aRunThatWaits(seed, ['c1'])
    const { random, scene, sessions, reply, lateErrors } = waiting
    const ends = clients.map((client) => disturb(scene, client, random))
    const sent = sessions.map(({ view }, index) => {
      const as = random() < 0.6 ? 'fork' : 'continuation'
      return view.answer(reply, answerOf('c1', clients[index]!, random), { as }).catch((error: unknown) => error)
    })
    for (const end of shuffled(ends, random)) end()
    const results = await Promise.all(sent)
    const [shown, ...more] = await whatAllShow(waiting)
    expect(more).toEqual([])
    const unaware = clients.filter(
      (client, index) => isLost(shown!, client) && !isTold([results[index], ...lateErrors[index]!]),
    )
    expect(unaware).toEqual([])
  },
)
