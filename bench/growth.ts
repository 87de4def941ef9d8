import { FakeChannel, fakeAbly } from '../test/support/fake-ably.ts'
import { Events } from '../test/support/events.ts'
import { eventScenes, type EventScene } from '../test/support/event-scenes.ts'
import type { Ours } from './ours.ts'

/** How the cost of events grows with the number of earlier ones. */
export interface Growth {
  readonly name: string
  /** Milliseconds for all events, by their number. */
  readonly times: readonly number[]
  /** How the time for the larger half grows: 1 if every event costs the same. */
  readonly exponent: number
}

export const growthSizes: readonly number[] = [500, 1000, 2000, 4000]

/**
 * Sends a session many events of one kind, each shown at once, with and without `agents` and a policy.
 *
 * @param only - a part of the names of the kinds to measure
 */
export async function growths({ client }: Pick<Ours, 'client'>, only = ''): Promise<Growth[]> {
  const trust = { agents: 'agent', policy: ({ clientId }: { clientId?: string }) => clientId !== 'mallory' }
  const all: Growth[] = []
  for (const [name, makeScene] of Object.entries(eventScenes)) {
    if (!name.includes(only)) continue
    for (const [suffix, options] of [
      ['', {}],
      [', guarded', trust],
    ] as const) {
      const times: number[] = []
      for (const size of [200, ...growthSizes])
        times.push(await meanOf(() => timeOf(client, makeScene(new Events(), growthSizes.at(-1)!), size, options)))
      const [, , , half, whole] = times
      all.push({ name: name + suffix, times: times.slice(1), exponent: Math.log2(whole! / half!) })
    }
  }
  return all
}

/** Milliseconds of computing that a measurement takes at least: the system counts them coarsely. */
const leastWork = 200
const mostRounds = 12

/** The mean of as many rounds as a precise one takes. */
async function meanOf(measure: () => Promise<number>): Promise<number> {
  let sum = 0
  let rounds = 0
  while (sum < leastWork && rounds < mostRounds) {
    sum += await measure()
    rounds++
  }
  return sum / rounds
}

async function timeOf(client: Ours['client'], scene: EventScene, count: number, trust: object): Promise<number> {
  const channel = new FakeChannel()
  const { UIMessageCodec: codec } = client
  const session = client.createClientSession({ client: fakeAbly(channel), sessionName: channel.name, codec, ...trust })
  await session.connect()
  for (const message of scene.before ?? []) channel.deliver(message)
  const events = Array.from({ length: count }, (_, index) => scene.event(index))
  const before = process.threadCpuUsage()
  for (const messages of events) for (const message of messages) channel.deliver(message)
  const { user, system } = process.threadCpuUsage(before)
  const shown = session.view.getMessages().length
  if (shown !== scene.shown(count)) throw new Error(`${shown} messages are shown of ${scene.shown(count)}`)
  await session.close()
  return (user + system) / 1000
}
