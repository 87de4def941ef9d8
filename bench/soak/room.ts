import { setTimeout as sleep } from 'node:timers/promises'
import * as Ably from 'ably'
import type { UIMessage } from 'ai'
import type { Ours } from '../ours.ts'
import type { Fault } from './endpoint.ts'
import type { Random } from './random.ts'

/** The state that all rooms share. */
export interface House {
  readonly ours: Ours
  readonly random: Random
  readonly options: Ably.ClientOptions
  /** The model's text for each run so far. */
  readonly said: Map<string, string>
  readonly fetch: typeof fetch
  fail(what: string): void
  order(fault: Fault): void
}

type Session = ReturnType<Ours['client']['createClientSession']>

/**
 * One conversation of two users who interrupt, send alongside and lose their connection; returns the number of
 * its runs.
 */
export async function converse(house: House, name: string, promptCount: number): Promise<number> {
  const { random, order } = house
  const people = await Promise.all(['alice', 'bob'].map((who) => join(house, name, `${who}-${name}`)))
  for (let index = 0; index < promptCount; index++) {
    const { session, clientId } = people[index % 2]!
    const whenBusy = random.chance(0.3) ? 'interrupt' : 'alongside'
    const run = await session.view.send(`Question ${index} in ${name}`, { whenBusy })
    if (random.chance(0.1)) order({ fault: 'drop', clientId, ms: random.between(0, 500) })
    if (random.chance(0.05)) order({ fault: 'gap', channel: name })
    if (random.chance(0.1)) order({ fault: 'refuse', channel: name, ...refusals[random.between(0, 1)]! })
    await sleep(random.between(0, 1500))
    if (random.chance(0.2)) await run.cancel().catch(() => undefined)
    if (random.chance(0.7)) await Promise.race([run.finished, sleep(20_000)])
  }
  const runs = await check(house, name)
  await Promise.all(people.map(({ leave }) => leave()))
  return runs
}

const refusals = [
  { times: 3, code: 42_911, statusCode: 429 },
  { times: 1, code: 50_003, statusCode: 500 },
]

async function join({ ours, options, fetch }: House, name: string, clientId: string) {
  const client = new Ably.Realtime({ ...options, clientId, logLevel: 0, disconnectedRetryTimeout: 100 })
  const session = ours.client.createClientSession<UIMessage>({
    client,
    channelName: name,
    codec: ours.client.UIMessageCodec,
    agent: { url: 'http://agent.test/', fetch },
  })
  await session.connect()
  const leave = async (): Promise<void> => {
    await session.close()
    client.close()
  }
  return { session, clientId, leave }
}

/** A client that attaches late must find every run ended, with exactly the model's text. */
async function check(house: House, name: string): Promise<number> {
  const deadline = performance.now() + 30_000
  for (;;) {
    const { session, leave } = await join(house, name, `late-${name}`)
    await session.view.loadUntil(() => false)
    const faults = faultsIn(house, session)
    const runs = session.view.runs()
    await leave()
    if (faults.length === 0 || performance.now() > deadline) {
      if (faults.length > 0) house.fail(`${name}: ${faults.join('; ')}`)
      for (const { runId } of runs) house.said.delete(runId)
      return runs.length
    }
    await sleep(1000)
  }
}

function faultsIn({ said }: House, session: Session): string[] {
  return session.view.runs().flatMap(({ runId, status }) => {
    const text = session.view
      .getMessages()
      .filter((message) => message.runId === runId)
      .flatMap(({ message }) => (message as UIMessage).parts)
      .flatMap((part) => (part.type === 'text' ? [part.text] : []))
      .join('')
    if (status === 'active' || status === 'suspended') return [`run ${runId} is ${status}`]
    const whole = said.get(runId) ?? ''
    const isRight = status === 'complete' ? text === whole : whole.startsWith(text)
    return isRight ? [] : [`run ${runId} (${status}) shows ${text.length} of ${whole.length} characters`]
  })
}
