import { setTimeout as sleep } from 'node:timers/promises'
import type { LanguageModel } from 'ai'

type Model = Extract<LanguageModel, { specificationVersion: 'v4' }>
type CallOptions = Parameters<Model['doStream']>[0]
type StreamPart = Awaited<ReturnType<Model['doStream']>>['stream'] extends ReadableStream<infer Part> ? Part : never

/** One part of an answer of the demo model. */
export type DemoPart =
  | { type: 'text' | 'reasoning'; text: string }
  | { type: 'tool'; name: string; input: unknown }
  | { type: 'source'; url: string; title?: string }
  /** `data` is base64. */
  | { type: 'file'; mediaType: string; data: string }
  | { type: 'error'; message: string }

/** A call of the demo model, as a script reads it. */
export interface DemoCall {
  /** The words of the last prompt. */
  text: string
  /** The output of the tool that was called since that prompt. */
  toolOutput?: unknown
  /** The names of the tools that the model may call. */
  tools: readonly string[]
  /** All that the model was sent, in the AI SDK's form. */
  prompt: CallOptions['prompt']
}

/** Options of {@link demoModel}. */
export interface DemoModelOptions {
  /**
   * Writes the answer to a call. @default a script that goes by keywords: think, source, fail, or the name of a tool
   */
  script?: (call: DemoCall) => string | readonly DemoPart[]
  /** @default 28 */
  tokensPerSecond?: number
  /** Milliseconds before the first token. @default 600 */
  delay?: number
  /**
   * Called before each token of a text; the model waits for it, and ends the text when it returns `false`. With it a
   * test holds the pace of an answer.
   * @param written - the tokens that are written, the last one last
   */
  beforeToken?: (written: readonly string[], signal?: AbortSignal) => boolean | void | Promise<boolean | void>
}

/**
 * A language model without an account or a network, for development and tests: the same prompt always gets the same
 * answer, token by token, until the abort signal fires.
 *
 * @example
 * const result = streamText({ model: demoModel(), messages, abortSignal: run.abortSignal })
 */
export function demoModel(options: DemoModelOptions = {}): Model {
  const { script = keywordScript } = options
  const partsFor = (call: CallOptions): readonly DemoPart[] => {
    const answer = script(read(call))
    return typeof answer === 'string' ? [{ type: 'text', text: answer }] : answer
  }
  return {
    specificationVersion: 'v4',
    provider: 'vue-ai-transport',
    modelId: 'demo',
    supportedUrls: {},
    async doGenerate(call) {
      const parts = partsFor(call)
      const content = parts.flatMap((part) =>
        part.type === 'text' ? [{ type: 'text' as const, text: part.text }] : [],
      )
      return { content, finishReason: finishReasonOf(parts), usage: usageOf(call.prompt, parts), warnings: [] }
    },
    async doStream(call) {
      return { stream: streamOf(play(call, partsFor(call), options)) }
    },
  }
}

type Parts = AsyncGenerator<StreamPart, void>

async function* play(call: CallOptions, parts: readonly DemoPart[], options: DemoModelOptions): Parts {
  yield { type: 'stream-start', warnings: [] }
  await sleep(options.delay ?? 600, undefined, { signal: call.abortSignal })
  for (const [index, part] of parts.entries()) yield* playPart(part, `part-${index}`, options, call.abortSignal)
  if (parts.at(-1)?.type === 'error') return
  yield { type: 'finish', finishReason: finishReasonOf(parts), usage: usageOf(call.prompt, parts) }
}

async function* playPart(
  part: DemoPart,
  id: string,
  options: DemoModelOptions,
  signal: AbortSignal | undefined,
): Parts {
  switch (part.type) {
    case 'text':
    case 'reasoning':
      yield { type: `${part.type}-start`, id }
      for await (const delta of speak(part.text, options, signal)) yield { type: `${part.type}-delta`, id, delta }
      yield { type: `${part.type}-end`, id }
      break
    case 'tool': {
      const toolCallId = crypto.randomUUID()
      const input = JSON.stringify(part.input)
      yield { type: 'tool-input-start', id: toolCallId, toolName: part.name }
      for await (const delta of speak(input, options, signal)) yield { type: 'tool-input-delta', id: toolCallId, delta }
      yield { type: 'tool-input-end', id: toolCallId }
      yield { type: 'tool-call', toolCallId, toolName: part.name, input }
      break
    }
    case 'source':
      yield {
        type: 'source',
        sourceType: 'url',
        id,
        url: part.url,
        ...(part.title !== undefined && { title: part.title }),
      }
      break
    case 'file':
      yield { type: 'file', mediaType: part.mediaType, data: { type: 'data', data: part.data } }
      break
    case 'error':
      yield { type: 'error', error: new Error(part.message) }
  }
}

/** Cuts a text into tokens: a word, or six letters of a long one, with the space before it. */
const tokensOf = (text: string): string[] => text.match(/\s*\S{1,6}|\s+$/g) ?? []

async function* speak(
  text: string,
  { tokensPerSecond = 28, beforeToken }: DemoModelOptions,
  signal: AbortSignal | undefined,
): AsyncGenerator<string> {
  const startedAt = performance.now()
  const written: string[] = []
  for (const [index, token] of tokensOf(text).entries()) {
    // NOTE: waits for a point in time instead of an interval, so that late timers do not add up
    const due = startedAt + (index * 1000) / tokensPerSecond
    await sleep(Math.max(0, due - performance.now()), undefined, { signal })
    if ((await beforeToken?.(written, signal)) === false) return
    written.push(token)
    yield token
  }
}

function streamOf(parts: Parts): ReadableStream<StreamPart> {
  return new ReadableStream({
    async pull(controller) {
      const { value, done } = await parts.next()
      if (done) controller.close()
      else controller.enqueue(value)
    },
    async cancel() {
      await parts.return()
    },
  })
}

const finishReasonOf = (parts: readonly DemoPart[]) =>
  parts.some(({ type }) => type === 'tool')
    ? ({ unified: 'tool-calls', raw: 'tool-calls' } as const)
    : ({ unified: 'stop', raw: 'stop' } as const)

function usageOf(prompt: CallOptions['prompt'], parts: readonly DemoPart[]) {
  const count = (text: string) => tokensOf(text).length
  const spoken = (type: DemoPart['type']) =>
    parts.reduce((sum, part) => sum + (part.type === type && 'text' in part ? count(part.text) : 0), 0)
  const [input, text, reasoning] = [count(prompt.map(wordsOf).join(' ')), spoken('text'), spoken('reasoning')]
  return {
    inputTokens: { total: input, noCache: input, cacheRead: 0, cacheWrite: 0 },
    outputTokens: { total: text + reasoning, text, reasoning },
  }
}

const wordsOf = ({ content }: CallOptions['prompt'][number]): string =>
  typeof content === 'string' ? content : content.map((part) => (part.type === 'text' ? part.text : '')).join('')

function read({ prompt, tools = [] }: CallOptions): DemoCall {
  const asked = prompt.findLastIndex(({ role }) => role === 'user')
  const results = prompt
    .slice(asked + 1)
    .flatMap(({ role, content }) => (role === 'tool' ? content : []))
    .filter((part) => part.type === 'tool-result')
  const output = results.at(-1)?.output
  return {
    text: asked < 0 ? '' : wordsOf(prompt[asked]!),
    ...(output && { toolOutput: 'value' in output ? output.value : output }),
    tools: tools.map(({ name }) => name),
    prompt,
  }
}

/** Answers by keyword, so that an app can be seen in each of its states. */
function keywordScript({ text, toolOutput, tools }: DemoCall): readonly DemoPart[] {
  const says = (word: string) => text.toLowerCase().includes(word)
  const tool = tools.find((name) => says(name.toLowerCase()) || says(name.toLowerCase().replaceAll('_', ' ')))
  if (toolOutput !== undefined) return [{ type: 'text', text: `The tool returned ${JSON.stringify(toolOutput)}.` }]
  if (tool !== undefined) return [{ type: 'tool', name: tool, input: { query: text } }]
  const parts: DemoPart[] = []
  if (says('think'))
    parts.push({ type: 'reasoning', text: 'The user wants to see a thought, so here is one before the answer.' })
  if (says('source')) parts.push({ type: 'source', url: 'https://vuejs.org/', title: 'Vue.js' })
  parts.push({ type: 'text', text: `You said: "${text}". ${passage}` })
  if (says('fail')) parts.push({ type: 'error', message: 'The demo model failed, as the prompt told it to' })
  return parts
}

const passage =
  'This answer comes from the demo model, which needs no account and no network. It streams one token after another, so you can press Stop at any time, send a second message while it is running, or close this tab and come back. Write "think" to see reasoning, "source" to see a source, "fail" to see an error, or the name of a tool of your agent to have it called. To use a real model, replace demoModel() with the model of your provider. ' +
  'The answer is long, so that you have time to try all of this. A second message gets an answer of its own beside this one. Each answer has its own Stop, and a Stop ends that answer only: the text that is there stays, and the model is told that the user has stopped it. Open this page in a second window: it shows the same answers, and it can stop them, too. Reload the page in the middle of an answer: the answer goes on, and it is complete when you are back. Switch the network off for a while: nothing is cancelled, and the words that you have missed come once, and in order, when the network is back.'
