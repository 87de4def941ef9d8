import { setTimeout as sleep } from 'node:timers/promises'
import * as Ably from 'ably'
import type { UIMessage } from 'ai'
import type { Ours } from '../ours.ts'
import { disagreements, faultsIn, type Session } from './checks.ts'
import type { Fault } from './endpoint.ts'
import type { Random } from './random.ts'
import { promptFor } from './script.ts'

/** What rooms share. */
export interface House {
  readonly ours: Ours
  readonly random: Random
  readonly options: Ably.ClientOptions
  readonly fetch: typeof fetch
  /** Whether the chat is over, so that no further prompt is sent. */
  isOver(): boolean
  fail(fault: string): void
  order(fault: Fault): void
}

interface Person {
  readonly session: Session
  readonly clientId: string
  leave(): Promise<void>
}

const refusals = [
  { times: 3, code: 42_911, statusCode: 429 },
  { times: 1, code: 50_003, statusCode: 500 },
  { times: 1, code: 40_009, statusCode: 400, name: 'ai-run-end' },
  { times: 1, code: 40_000, statusCode: 400, name: 'ai-run-suspend' },
  { times: 1, code: 40_000, statusCode: 400, name: 'ai-step-start' },
]

/** One conversation of two people who interrupt, send alongside, stop, answer tools and lose their connection. */
export class Room {
  readonly name: string
  readonly #house: House
  readonly #people: readonly Person[]
  /** How often the channel carries the end of each run. */
  readonly #ends = new Map<string, number>()

  private constructor(house: House, name: string, people: readonly Person[]) {
    this.name = name
    this.#house = house
    this.#people = people
  }

  static async open(house: House, name: string): Promise<Room> {
    const people = await Promise.all(['alice', 'bob'].map((who) => join(house, name, `${who}-${name}`)))
    return new Room(house, name, people)
  }

  async #hearEnds(): Promise<() => void> {
    const client = new Ably.Realtime({ ...this.#house.options, clientId: `ear-${this.name}`, logLevel: 0 })
    await client.channels.get(this.name).subscribe('ai-run-end', ({ extras }) => {
      const runId = (extras as { ai: { transport: Record<string, string> } }).ai.transport['run-id']!
      this.#ends.set(runId, (this.#ends.get(runId) ?? 0) + 1)
    })
    return () => client.close()
  }

  /** Chats until the house is over; resolves when nothing is being sent. */
  async chat(): Promise<void> {
    const { random } = this.#house
    const stop = await this.#hearEnds()
    for (let index = 0; !this.#house.isOver(); index++) {
      await this.#exchange(this.#people[index % 2]!, index).catch((error: unknown) => {
        this.#house.fail(`${this.name}: ${String(error)}`)
      })
      await sleep(random.between(0, 1500))
    }
    this.#stopHearing = stop
  }

  #stopHearing = (): void => {}

  async #exchange({ session, clientId }: Person, index: number): Promise<void> {
    const { random, order } = this.#house
    const script = { words: random.between(4, 60), pause: random.between(1, 40), hasTool: random.chance(0.2) }
    const whenBusy = random.chance(0.3) ? 'interrupt' : 'alongside'
    const run = await session.view.send(promptFor(script, `Question ${index}.`), { whenBusy })
    if (random.chance(0.1)) order({ fault: 'drop', clientId, ms: random.between(0, 500) })
    if (random.chance(0.05)) order({ fault: 'gap', channel: this.name })
    if (random.chance(0.05)) order({ fault: 'lose', clientId })
    if (random.chance(0.15)) order({ fault: 'refuse', channel: this.name, ...refusals[random.between(0, 4)]! })
    await sleep(random.between(0, 1500))
    if (random.chance(0.2)) await run.cancel().catch(() => undefined)
    if (script.hasTool && random.chance(0.6)) await this.#answerTool(session)
    if (random.chance(0.5)) await Promise.race([run.finished.catch(() => undefined), sleep(5000)])
  }

  /** Answers the last open call, as a client's tool would. */
  async #answerTool(session: Session): Promise<void> {
    const waiting = session.view.getMessages().findLast(({ message }) => openCallOf(message) !== undefined)
    if (!waiting || waiting.runId === undefined) return
    const output = { toolCallId: openCallOf(waiting.message)!, output: 'here' }
    // NOTE: meanwhile the run may have ended, or the other person may have answered
    await session.view
      .answer(waiting.id, this.#house.ours.client.UIMessageCodec.createToolOutput(output))
      .catch(() => undefined)
  }

  /** Reports runs that are active, not stalled: their agents have been dead for 40 seconds. */
  checkStalled(): void {
    for (const { session, clientId } of this.#people) {
      const alive = session.runs('session').filter(({ status, stalled }) => status === 'active' && !stalled)
      for (const { runId } of alive) this.#house.fail(`${this.name}: ${clientId} sees run ${runId} as active`)
    }
  }

  /** Stops some of the runs that are open, each by a person of chance; resolves when they are settled. */
  async stopSome(): Promise<void> {
    const { random, fail } = this.#house
    const open = this.#people[0]!.session.runs('session').filter(({ status }) => isOpen(status))
    const stopped = open.filter(() => random.chance(0.5))
    const person = this.#people[random.between(0, 1)]!
    await Promise.all(stopped.map(({ runId }) => person.session.cancel(runId)))
    const isSettled = (): boolean => {
      const infos = person.session.runs('session')
      return stopped.every(({ runId }) => !isOpen(infos.find((info) => info.runId === runId)!.status))
    }
    if (!(await within(10_000, isSettled))) fail(`${this.name}: a stopped run is not settled after 10 s`)
  }

  /** Wakes an agent with a last prompt: it settles all that is left. */
  async settle(): Promise<void> {
    const { session } = this.#people[0]!
    const run = await session.view.send(promptFor({ words: 3, pause: 1, hasTool: false }, 'Goodbye.'))
    await Promise.race([run.finished.catch(() => undefined), sleep(20_000)])
    const isSettled = (): boolean => session.runs('session').every(({ status }) => status !== 'active')
    if (!(await within(20_000, isSettled))) this.#house.fail(`${this.name}: a run is active after the last prompt`)
  }

  /** Compares all clients and one that comes late; resolves with the number of runs. */
  async check(): Promise<number> {
    const late = await join(this.#house, this.name, `late-${this.name}`, 7)
    const people = [...this.#people, late]
    for (const { session } of people) await session.view.loadUntil(() => false)
    const faults = (): string[] => [
      ...disagreements(people.map(({ session }) => session)),
      ...people.flatMap(({ session }) => faultsIn(session)),
    ]
    await within(10_000, () => faults().length === 0)
    for (const fault of new Set(faults())) this.#house.fail(`${this.name}: ${fault}`)
    for (const [runId, count] of this.#ends)
      if (count > 1) this.#house.fail(`${this.name}: run ${runId} ended ${count} times`)
    const count = late.session.runs('session').length
    this.#stopHearing()
    await Promise.all(people.map(({ leave }) => leave()))
    return count
  }
}

async function join({ ours, options, fetch }: House, name: string, clientId: string, pageSize = 100): Promise<Person> {
  const client = new Ably.Realtime({ ...options, clientId, logLevel: 0, disconnectedRetryTimeout: 100 })
  const session = ours.client.createClientSession<UIMessage>({
    client,
    channelName: name,
    codec: ours.client.UIMessageCodec,
    agents: 'agent',
    agent: { url: 'http://agent.test/', fetch },
    historyPageSize: pageSize,
  })
  await session.connect()
  const leave = async (): Promise<void> => {
    await session.close()
    client.close()
  }
  return { session, clientId, leave }
}

const isOpen = (status: string): boolean => status === 'active' || status === 'suspended'

const openCallOf = ({ parts }: UIMessage): string | undefined =>
  parts.flatMap((part) => ('toolCallId' in part && part.state === 'input-available' ? [part.toolCallId] : []))[0]

async function within(limit: number, isTrue: () => boolean): Promise<boolean> {
  const deadline = performance.now() + limit
  while (!isTrue()) {
    if (performance.now() > deadline) return false
    await sleep(50)
  }
  return true
}
