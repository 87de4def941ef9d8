import type { LanguageModelV4StreamPart } from '@ai-sdk/provider'
import { convertToModelMessages, jsonSchema, streamText, tool } from 'ai'
import { MockLanguageModelV4, simulateReadableStream } from 'ai/test'
import type { Answering } from './actors'

const usage = {
  inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 1, text: 1, reasoning: 0 },
}

const turn = (parts: LanguageModelV4StreamPart[], reason: 'stop' | 'tool-calls') => ({
  stream: simulateReadableStream<LanguageModelV4StreamPart>({
    initialDelayInMs: null,
    chunkDelayInMs: null,
    chunks: [
      { type: 'stream-start', warnings: [] },
      ...parts,
      { type: 'finish', finishReason: { unified: reason, raw: reason }, usage },
    ],
  }),
})

const inputOf = (toolCallId: string, toolName: string, input: string): LanguageModelV4StreamPart[] => [
  { type: 'tool-input-start', id: toolCallId, toolName },
  { type: 'tool-input-delta', id: toolCallId, delta: input.slice(0, 5) },
  { type: 'tool-input-delta', id: toolCallId, delta: input.slice(5) },
  { type: 'tool-input-end', id: toolCallId },
  { type: 'tool-call', toolCallId, toolName, input },
]

/** Tools as an app has them: one that runs on the client, one that needs approval. */
export const tools = {
  place: tool({ inputSchema: jsonSchema<{ near: string }>({ type: 'object' }) }),
  pay: tool({
    inputSchema: jsonSchema<{ amount: number }>({ type: 'object' }),
    needsApproval: true,
    execute: ({ amount }) => `paid ${amount}`,
  }),
}

export type Call = readonly [toolCallId: string, toolName: keyof typeof tools, input: object]

/** A model that first makes these calls at once, and then streams this text. */
export function callingModel(calls: readonly Call[], text: string): MockLanguageModelV4 {
  const parts = calls.flatMap(([id, name, input]) => inputOf(id, name, JSON.stringify(input)))
  const said: LanguageModelV4StreamPart[] = [
    { type: 'text-start', id: 't' },
    { type: 'text-delta', id: 't', delta: text },
    { type: 'text-end', id: 't' },
  ]
  return new MockLanguageModelV4({ doStream: [turn(parts, 'tool-calls'), turn(said, 'stop')] })
}

/** Lets a model answer a run, which is suspended if the model waits for the user. */
export async function respond(run: Answering, model: MockLanguageModelV4): Promise<void> {
  const messages = await convertToModelMessages(run.prompt())
  const result = streamText({ model, tools, messages, abortSignal: run.signal })
  const { reason } = await run.pipe(result.toUIMessageStream())
  if (reason === 'suspend' || (await waits(result, reason))) return run.suspend()
  await run.end(reason)
}

// NOTE: the result of the peer's pipe does not say that the model waits for the user
const waits = async ({ finishReason }: { finishReason: PromiseLike<string> }, reason: string): Promise<boolean> =>
  reason === 'complete' && (await finishReason) === 'tool-calls'

/** The results of the model's calls as the model got them, one line each. */
export const outcomesIn = ({ doStreamCalls }: MockLanguageModelV4): string[] =>
  doStreamCalls
    .at(-1)!
    .prompt.flatMap(({ content }) =>
      typeof content === 'string'
        ? []
        : content.flatMap((part) =>
            part.type === 'tool-result' ? [`${part.toolCallId}: ${outputText(part.output)}`] : [],
          ),
    )

const outputText = (output: { type: string; value?: unknown; reason?: string }): string =>
  `${output.type} ${JSON.stringify(output.value ?? output.reason)}`
