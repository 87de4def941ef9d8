import type { UIMessage } from 'ai'
import { expect, test } from 'vitest'
import { UIMessageCodec } from '../../src/codec'
import { Tree } from '../../src/core/tree'
import { handFed, textChunks } from '../support/agent'
import { setStage, textOf, type Stage } from '../support/agent-stage'
import { eventually } from '../support/eventually'
import { dropSome, startHastyEndpoint } from './drops'

const [runCount, dropCount] = [20, 200]

test(`${dropCount} dropped connections during ${runCount} replies of agents lose and repeat nothing`, async () => {
  const endpoint = await startHastyEndpoint()
  const over = new AbortController()
  const stages = await Promise.all(Array.from({ length: runCount }, () => setStage(endpoint)))
  const answers = stages.map((stage, i) => answer(stage, `answer ${i}:`, over.signal))
  await dropSome(endpoint, { count: dropCount, among: 2 * runCount })
  over.abort()
  for (const [i, { runId, text }] of (await Promise.all(answers)).entries()) {
    const stage = stages[i]!
    expect(await stage.readBack(runId)).toMatchObject({ status: 'complete', texts: [text] })
    await eventually(() => expect(heardOf(stage, runId)).toMatchObject({ status: 'complete', texts: [text] }))
  }
})

/** Lets an agent reply word by word until it is stopped. */
async function answer(stage: Stage, beginning: string, over: AbortSignal): Promise<{ runId: string; text: string }> {
  const run = await stage.started('Tell me everything.')
  const { stream, push, end } = handFed()
  const piped = run.pipe(stream)
  push(...textChunks([beginning]).slice(0, 4))
  let text = beginning
  for (let word = 0; !over.aborted; word++) {
    const delta = ` word ${word}`
    text += delta
    push({ type: 'text-delta', id: 't1', delta })
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  push(...textChunks(['']).slice(4))
  end()
  await piped
  await run.end()
  return { runId: run.runId, text }
}

/** The replies as the prompting client receives them. */
function heardOf({ alice }: Stage, runId: string): { status: string; texts: string[] } {
  const tree = new Tree<UIMessage>(UIMessageCodec)
  for (const message of alice.heard) tree.apply(message)
  tree.settle()
  const node = tree.runs.get(runId)
  if (!node) return { status: 'unknown', texts: [] }
  return { status: node.state.status, texts: Array.from(node.ids, (id) => textOf(node.message(id)!)) }
}
