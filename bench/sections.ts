import { cancelCosts, pipeCosts } from './agent.ts'
import { answerCosts } from './answer.ts'
import { archiveCosts, runSize } from './archive.ts'
import { pageCosts } from './browser.ts'
import { chatCosts } from './chats.ts'
import { agentFloor, ourAgent, peerAgent, type AgentContender } from './contenders/agents.ts'
import { aiSdk } from './contenders/ai-sdk.ts'
import { floor } from './contenders/floor.ts'
import { ourChat } from './contenders/our-chat.ts'
import { ours } from './contenders/ours.ts'
import { peer } from './contenders/peer.ts'
import { growths, growthSizes } from './growth.ts'
import { heapPerLiveMessage, heapPerMessage } from './heap.ts'
import { hydrationCosts, hydrations, type Reading } from './hydration.ts'
import { tanstack } from './contenders/tanstack.ts'
import { loadOurs } from './ours.ts'
import { pastOfParts, pastOf } from './conversation.ts'
import { table, type Requirement } from './report.ts'
import { scaling } from './scaling.ts'
import { branchCosts, siblingCosts, turnCosts } from './structure.ts'
import { interleavedCosts, tokenCosts, tokenInPartCosts } from './tokens.ts'
import { furtherOutputCosts, inputCosts, outputCosts } from './tools.ts'

const built = await loadOurs()
const plain = ours(built)
const subscribed = ours(built, { subscribe: true })

const lengths = [10, 1000, 5000]

/** How histories are read, with what they may cost in milliseconds and how far ahead of the peer they are to be. */
const readings: readonly (Reading & {
  count: number
  pageSize: number
  atMost: number
  ahead: number
  rounds: number
})[] = [
  { count: 1000, pageSize: 100, atMost: 4, ahead: 2, rounds: 5 },
  { count: 1000, pageSize: 1000, atMost: 4, ahead: 2, rounds: 5 },
  { count: 10_000, pageSize: 100, atMost: 35, ahead: 2, rounds: 3 },
  { count: 10_000, pageSize: 1000, atMost: 35, ahead: 2, rounds: 3 },
  { count: 50_000, pageSize: 100, atMost: 150, ahead: 30, rounds: 1 },
  { count: 50_000, pageSize: 1000, atMost: 150, ahead: 5, rounds: 3 },
  { count: 10_000, pageSize: 100, step: 30, atMost: 60, ahead: 2, rounds: 3 },
  { count: 10_000, pageSize: 100, step: 10, atMost: 60, ahead: 2, rounds: 3 },
]

/** Prints a cost by the number of visible messages, and its ratio to ours. */
function tableByLength<C extends { readonly name: string }>(
  title: string,
  contenders: readonly C[],
  cost: (contender: C, length: number) => number,
  mine: C,
): void {
  table(
    title,
    ['', ...lengths.map(String), '1,000 / ours'],
    contenders.map((each) => [
      each.name,
      ...lengths.map((length) => cost(each, length)),
      cost(each, 1000) / cost(mine, 1000),
    ]),
  )
}

/** The measurements, by name: each prints a table and returns its requirements. */
export const sections: Record<string, () => Promise<Requirement[]>> = {
  // NOTE: first, since memory that the other measurements leave is freed while this one counts
  async heap() {
    const contenders = [plain, peer, floor]
    const counts = [200, 2000, 10_000]
    const rows: { what: string; atMost: number; bytes: number[] }[] = []
    // NOTE: twice, so that compiled code does not count; first, since memory of long sessions is freed later
    let live: number[] = []
    for (const turnCount of [100, 200]) {
      live = []
      for (const contender of contenders) live.push(await heapPerLiveMessage(contender, turnCount))
    }
    for (const count of counts) {
      const bytes: number[] = []
      for (const contender of contenders) bytes.push(await heapPerMessage(contender, count))
      rows.push({ what: `loaded, ${count}`, atMost: 2048, bytes })
    }
    rows.push({ what: 'heard live, 400', atMost: 2560, bytes: live })
    table(
      'Heap: bytes for each message that is shown',
      ['', 'goal', ...contenders.map(({ name }) => name)],
      rows.map(({ what, atMost, bytes }) => [what, atMost, ...bytes]),
    )
    return rows.map(({ what, atMost, bytes }) => ({ what: `heap, ${what}`, value: bytes[0]!, atMost, isGoal: true }))
  },

  async tokens() {
    const contenders = [plain, subscribed, peer, floor]
    const cost = await tokenCosts(contenders, lengths)
    tableByLength('A token: microseconds, by visible messages', contenders, cost, plain)
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

  async chats() {
    const mine = ourChat(built.client)
    const clients = [mine, aiSdk, tanstack]
    const cost = await chatCosts(clients, lengths)
    const title = 'A token in other chat clients for Vue: microseconds until it is read, by visible messages'
    tableByLength(title, clients, cost, mine)
    return [aiSdk, tanstack].map((each) => ({
      what: `token, ours / ${each.name}, at 1,000`,
      value: cost(mine, 1000) / cost(each, 1000),
      atMost: 1 / 5,
    }))
  },

  async browser() {
    const costs = await pageCosts(lengths)
    const at = (name: string, index: number) => costs.get(name)![index]!
    table(
      'A token in Chromium: microseconds until it is in the page, by visible messages; components drawn for it at 1,000',
      ['', ...lengths.map(String), 'components', '1,000 / ours'],
      Array.from(costs, ([name, each]) => [
        name,
        ...each.map(({ time }) => time),
        each[1]!.drawn,
        each[1]!.time / at('ours', 1).time,
      ]),
    )
    const floorName = 'hand-written floor'
    return [
      { what: 'components drawn for a token, ours', value: at('ours', 1).drawn, atMost: 1 },
      {
        what: 'token in Chromium, ours / floor, at 1,000',
        value: at('ours', 1).time / at(floorName, 1).time,
        atMost: 2,
        isGoal: true,
      },
      { what: 'token in Chromium, ours: at 5,000 / at 10', value: at('ours', 2).time / at('ours', 0).time, atMost: 2 },
    ]
  },

  async answer() {
    const answerLengths = [10_000, 100_000, 300_000]
    const costs = await answerCosts(['mixed', 'list', 'code', 'table'], answerLengths)
    table(
      "A token of a long answer in the playground's page: milliseconds of the main thread, by characters before it",
      ['', ...answerLengths.map((length) => `script, ${length}`), ...answerLengths.map((length) => `all, ${length}`)],
      Array.from(costs, ([tail, works]) => [
        tail,
        ...works.map(({ script }) => script),
        ...works.map(({ all }) => all),
      ]),
    )
    return Array.from(costs, ([tail, works]) => ({
      what: `token of a long answer, ${tail}: script at 300,000 / at 10,000 characters`,
      value: works[2]!.script / works[0]!.script,
      atMost: 2,
    }))
  },

  async hydration() {
    const requirements: Requirement[] = []
    const rows: (string | number)[][] = []
    for (const { count, pageSize, step, atMost, ahead, rounds } of readings) {
      const measured = await hydrations([plain, peer, floor], pastOf(count / 5), rounds, { pageSize, step })
      const [mine, others, least] = [measured(plain), measured(peer), measured(floor)]
      const what = `${count} in pages of ${pageSize}${step === undefined ? '' : `, ${step} shown at a time`}`
      rows.push([what, mine.time, atMost, others.time, least.time, mine.longestBlock, others.longestBlock])
      requirements.push(
        { what: `history, ${what}: milliseconds`, value: mine.time, atMost, isGoal: true },
        { what: `history, ${what}: ours / peer`, value: mine.time / others.time, atMost: 1 / ahead, isGoal: true },
        { what: `history, ${what}: longest block`, value: mine.longestBlock, atMost: 10, isGoal: true },
      )
    }
    table(
      'History: milliseconds of computing, by channel messages; longest block of the page',
      ['', 'ours', 'goal', peer.name, floor.name, 'block, ours', 'block, peer'],
      rows,
    )
    return requirements
  },

  async agent() {
    const mine = ourAgent(built)
    const contenders = [mine, ourAgent(built, Infinity), peerAgent, agentFloor]
    const costs: Record<string, (contender: AgentContender) => number> = {
      'a token, of 2,000': await pipeCosts(contenders, 2000),
      'a token, of 14,000': await pipeCosts(contenders, 14_000),
      'a cancel, until its run aborts': await cancelCosts(contenders),
    }
    table(
      'An agent: microseconds, for an answer that the model has ready; goal: half of the other agent for a token, ahead of it for a cancel',
      ['', ...contenders.map(({ name }) => name), 'ours / other', 'ours / floor'],
      Object.entries(costs).map(([what, cost]) => [
        what,
        ...contenders.map(cost),
        cost(mine) / cost(peerAgent),
        cost(mine) / cost(agentFloor),
      ]),
    )
    return Object.entries(costs).map(([what, cost], index) => ({
      what: `agent, ${what}: ours / peer`,
      value: cost(mine) / cost(peerAgent),
      atMost: index < 2 ? 1 / 2 : 1,
      isGoal: true,
    }))
  },

  async tools() {
    const contenders = [plain, peer]
    const sizes = [6000, 60_000] as const
    const by = 'characters'
    const input = await inputCosts(contenders, sizes)
    const output = await outputCosts(contenders, sizes)
    const further = await furtherOutputCosts(contenders, [20, 2000])
    return [
      scaling(contenders, { what: 'a delta of a tool input', by, sizes, cost: input, atMost: 3 }),
      scaling(contenders, { what: 'a tool output', by, sizes, cost: output, atMost: 1.5 }),
      scaling(contenders, {
        what: 'a further tool output',
        by: 'outputs in the reply',
        sizes: [20, 2000],
        cost: further,
        atMost: 1.5,
      }),
    ]
  },

  async parts() {
    const contenders = [plain, peer]
    const by = 'parts'
    const token = await tokenInPartCosts(contenders, [2, 200])
    const partCount = 8000
    const fold = await hydrationCosts(
      contenders,
      [20, 200],
      () => partCount,
      (size) => pastOfParts(size, partCount),
    )
    return [
      scaling(contenders, { what: 'a token', by, sizes: [2, 200], cost: token, atMost: 1.5 }),
      scaling(contenders, { what: 'a part from history', by, sizes: [20, 200], cost: fold, atMost: 1.5 }),
    ]
  },

  async runs() {
    const contenders = [plain, peer, floor]
    const by = 'runs'
    const turn = await turnCosts(contenders, [20, 2000])
    const fold = await hydrationCosts(
      contenders,
      [400, 2000],
      (size) => size,
      (size) => pastOf(size * 2),
    )
    return [
      scaling(contenders, {
        what: 'a prompt and its reply',
        by,
        sizes: [20, 2000],
        cost: turn,
        atMost: 3,
        isGoal: true,
      }),
      {
        what: 'a prompt and its reply, ours / floor, at 2,000',
        value: turn(plain, 2000) / turn(floor, 2000),
        atMost: 4,
        isGoal: true,
      },
      scaling(contenders, { what: 'a run from history', by, sizes: [400, 2000], cost: fold, atMost: 1.5 }),
    ]
  },

  async siblings() {
    const contenders = [plain, peer]
    const by = 'siblings'
    const sizes = [3, 300] as const
    const added = await siblingCosts(contenders, sizes)
    const { ask, select } = await branchCosts(contenders, sizes)
    return [
      scaling(contenders, { what: 'an edit and its reply', by, sizes, cost: added, atMost: 8 }),
      scaling(contenders, { what: 'branch()', by, sizes, cost: ask, atMost: 100 }),
      scaling(contenders, { what: 'select()', by, sizes, cost: select, atMost: 100 }),
    ]
  },

  async interleaved() {
    const contenders = [plain, peer, floor]
    const counts = [1, 10, 100]
    const cost = await interleavedCosts(contenders, counts)
    table(
      'A live message, by runs that stream in turn: microseconds; goal: 2, and the same for all',
      ['', ...contenders.map(({ name }) => name), 'other / ours'],
      counts.map((count) => [
        `${count} runs`,
        ...contenders.map((each) => cost(each, count)),
        cost(peer, count) / cost(plain, count),
      ]),
    )
    return counts.map((count) => ({
      what: `a live message, ${count} runs at once: microseconds`,
      value: cost(plain, count),
      atMost: 2,
      isGoal: true,
    }))
  },

  async archive() {
    const costs = await archiveCosts(built, 1_000_000)
    table(
      'An archive of 1,000,000 rows: milliseconds',
      ['', `a run of ${runSize} rows written`, 'a page of 100 rows', "a user's 100 sessions"],
      costs.map(({ name, write, page, list }) => [name, write, page, list]),
    )
    return costs.map(({ name, page }) => ({ what: `archive in ${name}, a page: milliseconds`, value: page, atMost: 5 }))
  },

  async growth() {
    const all = await growths(built)
    table(
      'Many events of one kind, each shown at once: milliseconds, by how many; how the time grows from 2,000 to 4,000',
      ['', ...growthSizes.map(String), 'exponent'],
      all.map(({ name, times, exponent }) => [name, ...times, exponent]),
    )
    return all.map(({ name, exponent }) => ({ what: `growth, ${name}`, value: exponent, atMost: 1.2, isGoal: true }))
  },
}
