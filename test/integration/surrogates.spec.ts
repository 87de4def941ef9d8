import type { UIMessage } from 'ai'
import { describe, expect, it } from 'vitest'
import { UIMessageCodec } from '../../src/codec'
import { Tree } from '../../src/core/tree'
import { handFed, named, textChunks } from '../support/agent'
import { beginning, delta, setStage, textOf, type Stage } from '../support/agent-stage'
import { eventually } from '../support/eventually'
import { formats, startEndpoint } from '../support/local'

const [high, low] = ['\ud83d', '\ude00']

async function stageIn(useBinaryProtocol: boolean): Promise<Stage> {
  const endpoint = await startEndpoint()
  return setStage({
    ...endpoint,
    client: (request, options) => endpoint.client(request, { useBinaryProtocol, ...options }),
  })
}

/** Waits until the text of a run is the same live and from history. */
async function expectText({ alice, readBack }: Stage, runId: string, text: string): Promise<void> {
  await alice.hears(named('ai-run-end'))
  await eventually(async () => {
    const tree = new Tree<UIMessage>(UIMessageCodec)
    for (const message of alice.heard) tree.apply(message)
    tree.settle()
    const run = tree.runs.get(runId)!
    expect(Array.from(run.ids, (id) => textOf(run.message(id)!))).toEqual([text])
    expect((await readBack(runId)).texts).toEqual([text])
  })
}

describe.each(formats)('halves of a character in two deltas ($format)', ({ useBinaryProtocol }) => {
  it('arrive as one character', async () => {
    const scene = await stageIn(useBinaryProtocol)
    const run = await scene.started('Smile')
    expect(await run.pipe(textChunks([`Hi ${high}`, `${low}!`]))).toEqual({ reason: 'complete' })
    await run.end()
    await expectText(scene, run.runId, 'Hi 😀!')
  })

  it('arrive as one character where the text continues in further messages', async () => {
    const scene = await stageIn(useBinaryProtocol)
    const run = await scene.started('Smile')
    // 4 bytes each, so that messages end at all places within and between characters
    const texts = ['x', high, ...Array<string>(45).fill(`${low}${'😀'.repeat(999)}${high}`), low]
    await run.pipe(textChunks(texts))
    await run.end()
    const outputs = scene.alice.heard.filter(named('ai-output')).filter(({ action }) => action === 'message.create')
    expect(outputs.length).toBeGreaterThan(3)
    await expectText(scene, run.runId, texts.join(''))
  })

  it('without the other half become a replacement character, the same in each format', async () => {
    const scene = await stageIn(useBinaryProtocol)
    const run = await scene.started('Smile')
    await run.pipe(textChunks([`${low}Hi ${high}`, `${high}${low}!`, high]))
    await run.end()
    await expectText(scene, run.runId, '\ufffdHi \ufffd😀!\ufffd')
  })

  it('leave no broken character when a Stop comes between them', async () => {
    const scene = await stageIn(useBinaryProtocol)
    const run = await scene.started('Smile')
    const source = handFed()
    const piping = run.pipe(source.stream)
    source.push(...beginning('Hi '), delta(high))
    await eventually(() => expect(scene.alice.heard.some(({ data }) => data === 'Hi ')).toBe(true))
    await scene.alice.cancel({ runId: run.runId })
    expect(await piping).toEqual({ reason: 'cancelled' })
    source.push(delta(low))
    await run.end()
    await expectText(scene, run.runId, 'Hi ')
  })
})
