import { pipeCosts } from './agent.ts'
import { agentFloor, ourAgent, peerAgent } from './contenders/agents.ts'
import { floor } from './contenders/floor.ts'
import { ours } from './contenders/ours.ts'
import { peer } from './contenders/peer.ts'
import { heapPerMessage } from './heap.ts'
import { hydrations } from './hydration.ts'
import { loadOurs } from './ours.ts'
import { table, type Requirement } from './report.ts'
import { tokenCosts } from './tokens.ts'

const built = await loadOurs()
const plain = ours(built)
const subscribed = ours(built, { subscribe: true })

/** What is measured, by name: each prints a table and answers with what it had to reach. */
export const sections: Record<string, () => Promise<Requirement[]>> = {
  async tokens() {
    const lengths = [10, 1000, 5000]
    const contenders = [plain, subscribed, peer, floor]
    const cost = await tokenCosts(contenders, lengths)
    table(
      'A token: microseconds, by visible messages',
      ['', ...lengths.map(String), '1,000 / ours'],
      contenders.map((each) => [
        each.name,
        ...lengths.map((length) => cost(each, length)),
        cost(each, 1000) / cost(plain, 1000),
      ]),
    )
    return [plain, subscribed].flatMap((each) => [
      { what: `token, ${each.name}: at 5,000 / at 10`, value: cost(each, 5000) / cost(each, 10), atMost: 1.5 },
      { what: `token, ${each.name} / peer, at 1,000`, value: cost(each, 1000) / cost(peer, 1000), atMost: 1 / 20 },
      {
        what: `token, ${each.name} / floor, at 1,000`,
        value: cost(each, 1000) / cost(floor, 1000),
        atMost: 4,
        isGoal: true,
      },
    ])
  },

  async hydration() {
    const measured = async (wireCount: number, rounds: number) =>
      hydrations([plain, peer, floor], wireCount / 5, rounds)
    const [short, long] = [await measured(5000, 5), await measured(50_000, 3)]
    table(
      'Hydration: milliseconds of computing, by channel messages; longest block of the page',
      ['', '5000', '50000', 'longest block', '50,000 / ours'],
      [plain, peer, floor].map((each) => {
        const { time, longestBlock } = long(each)
        return [each.name, short(each).time, time, longestBlock, time / long(plain).time]
      }),
    )
    return [
      {
        what: 'hydration, ours / peer, at 50,000',
        value: long(plain).time / long(peer).time,
        atMost: 1 / 40,
        isGoal: true,
      },
    ]
  },

  async heap() {
    const contenders = [plain, peer, floor]
    const bytes: number[] = []
    for (const contender of contenders) bytes.push(await heapPerMessage(contender, 5000))
    table(
      'Heap: bytes per visible message, of 5,000',
      ['', 'bytes'],
      contenders.map(({ name }, index) => [name, bytes[index]!]),
    )
    return [{ what: 'heap, ours: bytes per message', value: bytes[0]!, atMost: 2048, isGoal: true }]
  },

  async agent() {
    const mine = ourAgent(built)
    const contenders = [mine, peerAgent, agentFloor]
    const cost = await pipeCosts(contenders)
    table(
      "An agent's token: microseconds to publish a delta and hear its echo",
      ['', 'time', '/ ours'],
      contenders.map((each) => [each.name, cost(each), cost(each) / cost(mine)]),
    )
    return [{ what: 'agent, ours / peer', value: cost(mine) / cost(peerAgent), atMost: 1 / 2, isGoal: true }]
  },
}
