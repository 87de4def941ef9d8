import type { LanguageModelV4Prompt, LanguageModelV4StreamPart } from '@ai-sdk/provider'
import { convertToModelMessages, isToolUIPart, jsonSchema, streamText, tool, type ToolSet } from 'ai'
import { convertArrayToReadableStream, MockLanguageModelV4 } from 'ai/test'
import { describe, expect, it } from 'vitest'
import { UIMessageCodec } from '../../src'
import { shown, startScene, statuses } from '../support/scene'
import { eventually } from '../support/eventually'

const usage = {
  inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 1, text: 1, reasoning: 0 },
}
const inputSchema = jsonSchema<object>({ type: 'object' })

const finish = (unified: 'stop' | 'tool-calls'): LanguageModelV4StreamPart => ({
  type: 'finish',
  finishReason: { unified, raw: unified },
  usage,
})
const calling: LanguageModelV4StreamPart[] = [
  { type: 'tool-call', toolCallId: 'call-1', toolName: 'look', input: '{}' },
  finish('tool-calls'),
]
const saying = (delta: string): LanguageModelV4StreamPart[] => [
  { type: 'text-start', id: 't' },
  { type: 'text-delta', id: 't', delta },
  { type: 'text-end', id: 't' },
  finish('stop'),
]

/** A session with an agent whose model streams these replies in turn, and the model's requests. */
async function sceneWith(name: string, answers: LanguageModelV4StreamPart[][], tools: ToolSet) {
  const prompts: LanguageModelV4Prompt[] = []
  const model = new MockLanguageModelV4({
    async doStream({ prompt }) {
      const parts = answers[prompts.push(prompt) - 1]!
      return { stream: convertArrayToReadableStream([{ type: 'stream-start', warnings: [] }, ...parts]) }
    },
  })
  const scene = await startScene(name, {
    async respond(run) {
      const messages = await convertToModelMessages(run.context())
      await run.pipe(streamText({ model, messages, tools, abortSignal: run.abortSignal }).toUIMessageStream())
    },
  })
  return { scene, prompts, alice: await scene.open('alice') }
}

type Scene = Awaited<ReturnType<typeof sceneWith>>

/** The reply of the run, once that is suspended. */
async function waitingReply({ alice }: Scene): Promise<string> {
  await eventually(() => expect(statuses(alice)).toEqual(['suspended']))
  return alice.view.getMessages().at(-1)!.id
}

const callIn = ({ alice }: Scene) =>
  alice.view.getMessages().flatMap(({ message }) => message.parts.filter(isToolUIPart))[0]

describe('the agent and the client together', () => {
  it('run a tool on the client, and resume the run with its output', async () => {
    const scene = await sceneWith('client-tool', [calling, saying('You are in Oslo.')], { look: tool({ inputSchema }) })
    const { alice, prompts } = scene
    const asked = await alice.view.send('Where am I?')
    const reply = await waitingReply(scene)
    const answer = UIMessageCodec.createToolOutput({ toolCallId: 'call-1', output: 'Oslo' })
    const active = await alice.view.answer(reply, answer)
    await active.started
    expect(await active.finished).toEqual({ reason: 'complete' })
    expect(active.runId).toBe(asked.runId)
    expect(statuses(alice)).toEqual(['complete'])
    expect(shown(alice).at(-1)).toBe('complete: You are in Oslo.')
    expect(prompts[1]!.map(({ role }) => role)).toEqual(['user', 'assistant', 'tool'])
    expect(prompts[1]!.at(-1)!.content).toMatchObject([{ type: 'tool-result', output: { value: 'Oslo' } }])
  })

  it('send an answer in a run that replaces the suspended one', async () => {
    const scene = await sceneWith('forked', [calling, saying('You are in Oslo.')], { look: tool({ inputSchema }) })
    const { alice, prompts } = scene
    const asked = await alice.view.send('Where am I?')
    const reply = await waitingReply(scene)
    const answer = UIMessageCodec.createToolOutput({ toolCallId: 'call-1', output: 'Oslo' })
    const active = await alice.view.answer(reply, answer, { as: 'fork' })
    expect(await active.finished).toEqual({ reason: 'complete' })
    expect(active.runId).not.toBe(asked.runId)
    expect(statuses(alice)).toEqual(['complete'])
    expect(shown(alice)).toEqual(['sent: Where am I?', 'complete: ', 'complete: You are in Oslo.'])
    expect(prompts[1]!.map(({ role }) => role)).toEqual(['user', 'assistant', 'tool'])
  })

  it.each([
    [true, 'output-available'],
    [false, 'output-denied'],
  ])('request approval for a tool; answered %s the call ends as %s', async (approved, state) => {
    const look = tool({ inputSchema, needsApproval: true, execute: () => 'fog' })
    const scene = await sceneWith(`leave-${approved}`, [calling, saying('So it is.')], { look })
    const { alice, prompts } = scene
    await alice.view.send('Look outside')
    const reply = await waitingReply(scene)
    expect(callIn(scene)).toMatchObject({ state: 'approval-requested' })
    await alice.view.answer(reply, UIMessageCodec.createToolApproval({ toolCallId: 'call-1', approved }))
    await eventually(() => expect(statuses(alice)).toEqual(['complete']))
    expect(callIn(scene)).toMatchObject({ state })
    expect(shown(alice).at(-1)).toBe('complete: So it is.')
    expect(JSON.stringify(prompts[1]).includes('fog')).toBe(approved)
  })

  it('close a call without an answer as an error when the conversation continues', async () => {
    const scene = await sceneWith('left-waiting', [calling, saying('Fine.')], { look: tool({ inputSchema }) })
    const { alice, prompts } = scene
    await alice.view.send('Where am I?')
    await waitingReply(scene)
    const run = await alice.view.send('Never mind')
    expect(await run.finished).toEqual({ reason: 'complete' })
    expect(prompts[1]!.map(({ role }) => role)).toEqual(['user', 'assistant', 'tool', 'assistant', 'user'])
  })

  it('S31 end a run that is cancelled while it is suspended', async () => {
    const scene = await sceneWith('stopped-waiting', [calling], { look: tool({ inputSchema }) })
    const { alice } = scene
    const run = await alice.view.send('Where am I?')
    await waitingReply(scene)
    await run.cancel()
    expect(await run.finished).toEqual({ reason: 'cancelled' })
  })

  it('deliver a steer while the reply streams, and tell which part consumed it', async () => {
    const scene = await startScene('steered', {
      async respond(run) {
        while (run.hasInput()) {
          const messages = await convertToModelMessages(run.context())
          await run.pipe(streamText({ model: scene.model, messages, abortSignal: run.abortSignal }).toUIMessageStream())
        }
      },
    })
    const alice = await scene.open('alice')
    const run = await alice.view.send('Plan a trip')
    const first = await scene.model.call(0)
    first.say('Day one')
    await run.started
    const steer = run.steer('Make it cheap')
    await steer.published
    first.finish()
    const second = await scene.model.call(1)
    expect(second.transcript).toEqual(['user: Plan a trip', 'assistant: Day one', 'user: Make it cheap'])
    second.say('Cheap')
    second.finish()
    expect(await steer.outcome).toMatchObject({ consumed: true })
    expect(await run.finished).toEqual({ reason: 'complete' })
  })
})
