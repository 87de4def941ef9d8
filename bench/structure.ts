import { Conversation, messagesOf, paragraph, type Past } from './conversation.ts'
import type { Contender, Follower } from './contenders/contender.ts'
import { liveCosts, setUp, type Costs, type Scene } from './live.ts'
import { median } from './report.ts'

const turnsPerRound = 8

/** Measures the cost of a further prompt with its whole reply, by the number of runs. */
export function turnCosts(contenders: readonly Contender[], runCounts: readonly number[]): Promise<Costs<number>> {
  return liveCosts(contenders, new Map(runCounts.map((count) => [count, longConversation(count)])))
}

function longConversation(runCount: number): Scene {
  const conversation = new Conversation()
  const past = { messages: messagesOf(conversation, runCount * 2), shown: runCount * 2 }
  let { shown } = past
  return {
    past,
    round() {
      const batches = Array.from({ length: turnsPerRound }, () => conversation.turn(paragraph))
      return { batches, shown: (shown += turnsPerRound * 2) }
    },
  }
}

/** Measures the cost of a further edit of a prompt, with its reply, by the number of versions of the prompt. */
export function siblingCosts(contenders: readonly Contender[], counts: readonly number[]): Promise<Costs<number>> {
  return liveCosts(contenders, new Map(counts.map((count) => [count, editedPrompt(count)])))
}

function editedPrompt(count: number): Scene {
  const conversation = new Conversation()
  return {
    past: edited(conversation, count),
    round: () => ({ batches: Array.from({ length: turnsPerRound }, () => edit(conversation)), shown: 4 }),
  }
}

const edit = (conversation: Conversation) => [conversation.edit('Or rather this.'), ...conversation.answer(paragraph)]

/** A turn, and another one whose prompt has many versions. */
function edited(conversation: Conversation, count: number): Past {
  const turns = messagesOf(conversation, 4)
  const edits = Array.from({ length: count - 1 }, () => edit(conversation)).flat()
  return { messages: [...turns, ...edits], shown: 4 }
}

const calls = 20
const rounds = 15

/** Measures the cost of listing and selecting versions, by the number of versions of one prompt. */
export async function branchCosts(
  contenders: readonly Contender[],
  counts: readonly number[],
): Promise<{ ask: Costs<number>; select: Costs<number> }> {
  const measured = new Map<string, { ask: number[]; select: number[] }>()
  const of = (contender: Contender, count: number) => measured.get(`${contender.name} ${count}`)!
  for (const count of counts) {
    const conversation = new Conversation()
    const stages = await setUp(contenders, edited(conversation, count))
    for (const { contender } of stages) measured.set(`${contender.name} ${count}`, { ask: [], select: [] })
    for (let round = 0; round < rounds; round++) {
      for (const { contender, follower } of stages) {
        choose(follower, conversation.lastPromptId, count, of(contender, count))
      }
    }
    await Promise.all(stages.map(({ follower }) => follower.close()))
  }
  return {
    ask: (contender, count) => median(of(contender, count).ask),
    select: (contender, count) => median(of(contender, count).select),
  }
}

function choose(follower: Follower, id: string, count: number, times: { ask: number[]; select: number[] }): void {
  const branch = follower.branch!(id)
  if (branch.siblings.length !== count) throw new Error(`there are ${branch.siblings.length} siblings of ${count}`)
  times.ask.push(timeOf(() => void follower.branch!(id)))
  times.select.push(timeOf((call) => branch.select(call % 2 === 0 ? 0 : count - 1)))
}

/** Microseconds for one of several calls. */
function timeOf(act: (call: number) => void): number {
  const start = performance.now()
  for (let call = 0; call < calls; call++) act(call)
  return ((performance.now() - start) * 1000) / calls
}
