import { describe, expect, it } from 'vitest'
import { UIMessageCodec } from '../../src'
import { handFed, joinWire, named, streamOf, textChunks, type HandFed } from '../support/agent'
import { beginning } from '../support/agent-stage'
import { infoOf, useDeadAgents } from '../support/dead-agents'
import { eventually } from '../support/eventually'
import { asking } from '../support/tools'
import { agentOn, type Run } from '../support/woken-agent'

const place = useDeadAgents()
const { skip, newName, open } = place

const refusals = [
  [40_009, 400, 'too large'],
  [40_000, 400, 'bad request'],
] as const

/** Calls a tool of the client, and says where it is once that is known. */
const respond = (run: Run) =>
  run.pipe(
    streamOf(
      run.context().some(({ parts }) => parts.some((part) => 'output' in part)) ? textChunks(['Lisbon']) : asking('c1'),
    ),
  )

/** Alice's session, and the errors of the agent that answers her, whose publishes of one kind are refused. */
async function refusing(name: string, kind: string, error: object, times?: number) {
  const errors: unknown[] = []
  const onError = (reported: unknown) => errors.push(reported)
  const { agent } = agentOn(name, place.endpoint, { respond, agents: 'agent', onError })
  const restore = place.endpoint.refusePublish({ channel: name, name: kind }, { error, times })
  const alice = await open(name, 'alice', { wake: (request) => agent.fetch(request) })
  return { alice, errors, restore }
}

const suspended = (run: { readonly status: string }) => eventually(() => expect(run.status).toBe('suspended'))

/** Answers the tool's call of the last message. */
const answer = (alice: Awaited<ReturnType<typeof refusing>>['alice']) =>
  alice.view.answer(
    alice.view.getMessages().at(-1)!.id,
    UIMessageCodec.createToolOutput({ toolCallId: 'c1', output: 'Lisbon' }),
  )

describe('a lifecycle message that the channel refuses for good', () => {
  it.for(
    ['ai-run-start', 'ai-run-resume', 'ai-run-suspend', 'ai-run-end', 'ai-step-start', 'ai-step-end'].flatMap((kind) =>
      refusals.map((refusal) => [kind, ...refusal] as const),
    ),
  )(
    '%s, with %i: goes out in its plainest form, and the operator hears of it',
    async ([kind, code, statusCode, message]) => {
      const name = newName()
      const { alice, errors } = await refusing(name, kind, { code, statusCode, message }, 1)
      const run = await alice.view.send('Where am I?')
      await suspended(run)
      await answer(alice)
      await eventually(() => expect(run.status).toBe('complete'))
      await eventually(() => expect(errors).toMatchObject([{ code: 104_003, cause: { code } }]))
      expect(infoOf(alice, run.runId)).toMatchObject({ clientId: 'alice', status: 'complete' })
      expect(alice.view.getMessages().map(({ runId }) => runId)).toEqual([undefined, run.runId, run.runId])
    },
  )

  it('for a right that the agent lacks: user and operator see once why no run starts, and a retry starts it once the right is there', async () => {
    const name = newName()
    const error = { code: 40_160, statusCode: 401, message: 'operation not permitted' }
    const { alice, errors, restore } = await refusing(name, 'ai-run-start', error)
    const run = await alice.view.send('Where am I?')
    await expect(run.started).rejects.toThrow('operation not permitted')
    expect(errors).toMatchObject([{ cause: { code: 40_160 } }])
    expect(run.wake).toMatchObject({ state: 'failed', attempts: 1 })
    expect(alice.view.isRunning).toBe(false)
    restore()
    await run.retry()
    await suspended(run)
  })

  it.for([
    ['ai-run-suspend', 40_160, 401],
    ['ai-run-suspend', 40_000, 400],
    ['ai-run-end', 40_160, 401],
    ['ai-run-end', 40_009, 400],
  ] as const)(
    '%s, with %i each time: the same process settles the run if it is woken for a Stop',
    async ([kind, code, statusCode]) => {
      const name = newName()
      const { alice, errors, restore } = await refusing(name, kind, { code, statusCode, message: 'no' })
      const run = await alice.view.send('Where am I?')
      const isEnd = kind === 'ai-run-end'
      if (isEnd) {
        await suspended(run)
        await answer(alice)
      }
      await eventually(() => expect(errors).toMatchObject([{ cause: { code } }]))
      expect(infoOf(alice, run.runId)?.status).toBe('active')
      restore()
      const watcher = place.endpoint.client({ clientId: 'watcher' }).channels.get(name)
      await eventually(async () => expect(await watcher.presence.get()).toEqual([]))
      skip(5000)
      const { heard, hears } = await joinWire(place.endpoint.client({ clientId: 'carol' }), name)
      await run.cancel()
      await expect(run.finished).resolves.toEqual({ reason: 'cancelled' })
      await hears(named('ai-run-end'))
      expect(heard.filter(named('ai-run-end'))).toHaveLength(1)
      await (
        await alice.view.send('Where are we?')
      ).started
      expect(infoOf(alice, run.runId)?.status).toBe('cancelled')
    },
  )
})

it('an agent whose token lacks a capability says which, to the user and the operator, and clients do not repeat the request', async () => {
  for (const operations of [['subscribe', 'publish'], ['publish', 'history'], ['presence']] as const) {
    const name = newName()
    const capability = { [name]: operations }
    const { token } = place.endpoint.createToken({ clientId: 'agent', capability })
    const client = place.endpoint.client({}, { key: undefined, token })
    const errors: unknown[] = []
    const { agent } = agentOn(name, place.endpoint, { client: () => client, respond, onError: (e) => errors.push(e) })
    const alice = await open(name, 'alice', { wake: (request) => agent.fetch(request) })
    const run = await alice.view.send('Where am I?')
    await run.started.catch(() => undefined)
    expect(run.wake).toMatchObject({ state: 'failed', attempts: 1 })
    const fix = `Grant subscribe, publish and history on channel "${name}", or on "ai:*"`
    expect(run.wake!.error!.message).toContain(fix)
    expect(errors).toMatchObject([{ code: 40160, message: expect.stringContaining(fix) as string }])
  }
})

it('an agent whose token has left out the channel for a while answers the next prompt, and a Stop ends the run that it lost', async () => {
  const { endpoint } = place
  const name = newName()
  let allowed = name
  const client = endpoint.client(
    {},
    {
      key: undefined,
      authCallback: (_, done) =>
        done(null, endpoint.createToken({ clientId: 'agent', capability: { [allowed]: ['*'] } })),
    },
  )
  const sources: HandFed[] = []
  const errors: unknown[] = []
  const { agent } = agentOn(name, endpoint, {
    client: () => client,
    agents: 'agent',
    onError: (error) => errors.push(error),
    respond(run) {
      sources.push(handFed())
      return run.pipe(sources.at(-1)!.stream)
    },
  })
  const alice = await open(name, 'alice', { wake: (request) => agent.fetch(request) })
  const lost = await alice.view.send('Where am I?')
  await eventually(() => expect(sources).toHaveLength(1))
  sources[0]!.push(...beginning('In'))
  allowed = 'ai:another'
  endpoint.expireToken('agent')
  await eventually(() => expect(client.channels.get(name).state).toBe('failed'))
  sources[0]!.end()
  await eventually(() => expect(errors).toContainEqual(expect.objectContaining({ code: 104_003 })))
  allowed = name
  endpoint.expireToken('agent')

  const next = await alice.view.send('And now?')
  await eventually(() => expect(sources).toHaveLength(2))
  sources[1]!.push(...textChunks(['In Lisbon']))
  sources[1]!.end()
  expect(await next.finished).toEqual({ reason: 'complete' })
  await lost.cancel()
  skip(5000)
  expect(await lost.finished).toEqual({ reason: 'cancelled' })
})
