import type * as Ably from 'ably'
import { describe, expect, it } from 'vitest'
import { handFed, joinWire, named, streamOf, textChunks, transportOf } from '../support/agent'
import { startAgentProcess } from '../support/agent-process'
import { beginning, delta, textOf } from '../support/agent-stage'
import { infoOf, useDeadAgents } from '../support/dead-agents'
import { eventually } from '../support/eventually'
import { agentOn } from '../support/woken-agent'
import { peerAgent, peerUser } from './peer'

const place = useDeadAgents()
const { skip, stopClocks, hurry, newName, open } = place

/** Agents of ours on a session, which answer prompts and are woken for cancels. */
function ourAgents(name: string) {
  const wakes: { inputEventId: string; status: number }[] = []
  const agents = [1, 2].map(() =>
    agentOn(name, place.endpoint, {
      // NOTE: without a rollup of appends an agent that hears a prompt has heard all text before it
      client: () => place.endpoint.client({ clientId: 'agent' }, { transportParams: { appendRollupWindow: 0 } }),
      agents: 'agent',
      respond: (run) => run.pipe(streamOf(textChunks(['Hi']))),
    }),
  )
  /** Wakes all of them. */
  async function wake(inputEventId: string): Promise<number[]> {
    const answers = await Promise.all(agents.map((agent) => agent.wake(inputEventId)))
    for (const { status } of answers) wakes.push({ inputEventId, status })
    return answers.map(({ status }) => status)
  }
  const fetch = async (request: Request): Promise<Response> => {
    const { inputEventId } = (await request.clone().json()) as { inputEventId: string }
    const answer = await agents[0]!.agent.fetch(request)
    wakes.push({ inputEventId, status: answer.status })
    return answer
  }
  return { wake, wakes, fetch }
}

const endsOf = (heard: readonly Ably.InboundMessage[], runId: string) =>
  heard.filter(named('ai-run-end', { 'run-id': runId }))

/** A run that the peer's agent is writing, in a session whose other prompts and cancels wake our agents. */
async function runOfThePeer(onCancel?: () => Promise<boolean>) {
  const name = newName()
  const ours = ourAgents(name)
  const alice = await open(name, 'alice', { wake: ours.fetch })
  const wire = await joinWire(place.endpoint.client({ clientId: 'alice' }), name)
  const peer = peerAgent(place.endpoint.client({ clientId: 'agent' }), name, onCancel)
  const sent = await alice.view.send('Count', { wake: false })
  const run = await peer.answer(sent.toInvocation())
  const feed = handFed()
  const piped = run.pipe(feed.stream)
  const text = (): string => textOf(sent.messages.at(-1)!.message)
  const say = async (word: string): Promise<void> => {
    feed.push(delta(word))
    await eventually(() => expect(text()).toMatch(new RegExp(`${word}$`)))
  }
  feed.push(...beginning('One '))
  await eventually(() => expect(sent.messages.map(({ message }) => textOf(message))).toEqual(['One ']))
  const { runId } = run
  const info = () => infoOf(alice, runId)
  /** Has our agents answer another prompt: they look at all runs of the session. */
  async function ask(): Promise<void> {
    const { inputId, inputEventId } = await wire.prompt('Hello')
    await ours.wake(inputEventId)
    await wire.hears(named('ai-run-end', { 'input-codec-message-id': inputId }))
  }
  async function finish(): Promise<void> {
    feed.push(...textChunks([]).slice(3))
    feed.end()
    await piped
    await run.end('complete')
  }
  return {
    alice,
    wire,
    ours,
    run,
    runId,
    piped,
    text,
    say,
    info,
    ask,
    finish,
    sent,
    ends: () => endsOf(wire.heard, runId),
  }
}

describe("a run of the peer's agent, beside agents of ours", () => {
  it('is neither stalled nor ended while it is silent and was not stopped', async () => {
    const { info, ask, say, finish, sent, ends, text } = await runOfThePeer()
    hurry()
    for (let minutes = 0; minutes < 3; minutes++) {
      skip(60_000)
      await ask()
      expect(info()).toMatchObject({ status: 'active' })
      expect(info()).not.toHaveProperty('stalled')
    }
    skip(24 * 3600 * 1000)
    await ask()
    expect(info()).not.toHaveProperty('stalled')
    await say('two')
    await finish()
    await expect(sent.finished).resolves.toEqual({ reason: 'complete' })
    expect(text()).toBe('One two')
    expect(ends()).toHaveLength(1)
  })

  it('S31 ends itself after a Stop, once, although agents of ours are woken for the Stop and for another prompt', async () => {
    const { alice, ours, wire, run, runId, piped, sent, ask, ends } = await runOfThePeer()
    stopClocks()
    await alice.cancel(runId)
    const cancel = await wire.hears(named('ai-cancel'))
    expect(await piped).toEqual({ reason: 'cancelled' })
    // Its own work takes a minute to end
    skip(59_999)
    expect(await ours.wake(eventIdOf(cancel))).toEqual([429, 429])
    await ask()
    expect(ends()).toEqual([])
    await run.end('cancelled')
    await expect(sent.finished).resolves.toEqual({ reason: 'cancelled' })
    skip(120_000)
    await ask()
    expect(await ours.wake(eventIdOf(cancel))).toEqual([200, 200])
    expect(ends()).toHaveLength(1)
  })

  it('is not ended by ours while it speaks, although it has refused the Stop', async () => {
    const { alice, ours, wire, run, runId, say, info, ask, finish, sent, ends } = await runOfThePeer(async () => false)
    stopClocks()
    await say('one')
    await alice.cancel(runId)
    const cancel = await wire.hears(named('ai-cancel'))
    for (const word of ['two', 'three', 'four', 'five']) {
      skip(59_999)
      expect(await ours.wake(eventIdOf(cancel))).toEqual([429, 429])
      await ask()
      await say(word)
      await ask()
    }
    expect(info()).toMatchObject({ status: 'active', cancelling: { by: 'alice' } })
    expect(run.signal.aborted).toBe(false)
    await finish()
    await expect(sent.finished).resolves.toEqual({ reason: 'complete' })
    expect(ends()).toHaveLength(1)
  })

  it('S31 is cancelled for good a minute after its last word if nothing came after the Stop', async () => {
    const { alice, ours, runId, say, info, sent, ends, finish, ask } = await runOfThePeer(async () => false)
    await say('two')
    await alice.cancel(runId)
    hurry()
    await expect(sent.finished).resolves.toEqual({ reason: 'cancelled' })
    await eventually(() => expect(ours.wakes.at(-1)).toMatchObject({ status: 200 }))
    const text = alice.view.getMessages().map(({ message }) => textOf(message))
    // It was alive after all
    await finish()
    await ask()
    expect(transportOf(ends()[0]!)['run-reason']).toBe('cancelled')
    expect(info()).toMatchObject({ status: 'cancelled' })
    expect(
      alice.view
        .getMessages()
        .map(({ message }) => textOf(message))
        .slice(0, 2),
    ).toEqual(text.slice(0, 2))
  })
})

describe("a run of our agent that the peer's client has stopped", () => {
  it.for(['alive', 'killed'])('S31 ends as cancelled once, for both clients, if its agent is %s', async (state) => {
    const agent = await startAgentProcess(place.endpoint)
    const name = newName()
    const peer = await peerUser(place.endpoint.client({ clientId: 'bob' }), name)
    const { heard, hears } = await joinWire(place.endpoint.client({ clientId: 'carol' }), name)
    const alice = await open(name, 'alice')
    const sent = await peer.send('Count slowly')
    await agent.wake(sent.call)
    await sent.started
    const { runId } = sent
    await hears(named('ai-output'))
    if (state === 'killed') await agent.kill()
    await peer.cancel(runId)
    const { wake } = ourAgents(name)
    // The peer's client wakes no agent for a cancel; its next prompt does
    const { channel } = await joinWire(place.endpoint.client({ clientId: 'dora' }), name)
    await eventually(async () => expect(await channel.presence.get()).toEqual([]))
    skip(5000)
    const next = await peer.send('Hello')
    await wake(next.call.inputEventId)
    await hears(named('ai-run-end', { 'run-id': runId }))
    await eventually(() => expect(infoOf(alice, runId)?.status).toBe('cancelled'))
    await eventually(() => expect(peer.shown().runs.map(({ status }) => status)).toEqual(['cancelled', 'complete']))
    skip(121_000)
    await wake((await peer.send('Again')).call.inputEventId)
    expect(endsOf(heard, runId)).toHaveLength(1)
  })
})

const eventIdOf = (message: Ably.InboundMessage): string => transportOf(message)['event-id']!
