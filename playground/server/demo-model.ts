import type {
  LanguageModelV4,
  LanguageModelV4Prompt,
  LanguageModelV4StreamPart,
  LanguageModelV4StreamResult,
  LanguageModelV4Usage,
} from '@ai-sdk/provider'
import { ReadableStream } from 'node:stream/web'
import { setTimeout as sleep } from 'node:timers/promises'
import { countTokens, tokensOf } from '../shared/tokens'
import { performanceFor, wordsOf, type Beat } from './performance'

/** Options of the demo model. */
export interface DemoModelOptions {
  tokensPerSecond: number
  /** Delay before the first token, in ms. @default 600 */
  thinkFor?: number
  /** Whether a steer has arrived: the model then stops at the end of the sentence, and the agent calls it again. */
  isInterrupted?: () => boolean
  /** Waits until a text of which this many tokens are written may go on. @default it always may */
  mayGoOn?: (written: number, signal?: AbortSignal) => Promise<void>
}

/**
 * A language model without a network. The same prompt always gets the same answer, token by token, until the abort signal
 * fires. A prompt with the word "fail" makes it fail halfway.
 */
export function createDemoModel(options: DemoModelOptions): LanguageModelV4 {
  return {
    specificationVersion: 'v4',
    provider: 'playground',
    modelId: 'demo',
    supportedUrls: {},
    async doGenerate({ prompt }) {
      const beats = performanceFor(prompt)
      const text = beats.map((beat) => (beat.kind === 'text' ? beat.text : '')).join('')
      return { content: [{ type: 'text', text }], finishReason: stop, usage: usageOf(prompt, beats), warnings: [] }
    },
    async doStream({ prompt, abortSignal }) {
      const parts = play(prompt, options, abortSignal)
      return { stream: ReadableStream.from(parts) as LanguageModelV4StreamResult['stream'] }
    },
  }
}

const stop = { unified: 'stop', raw: 'stop' } as const
const toolCalls = { unified: 'tool-calls', raw: 'tool-calls' } as const

type Parts = AsyncGenerator<LanguageModelV4StreamPart>

async function* play(prompt: LanguageModelV4Prompt, options: DemoModelOptions, signal: AbortSignal | undefined): Parts {
  const beats = performanceFor(prompt)
  yield { type: 'stream-start', warnings: [] }
  await sleep(options.thinkFor ?? 600, undefined, { signal })
  for (const [index, beat] of beats.entries()) yield* playBeat(beat, `b${index}`, options, signal)
  const finishReason = beats.some(({ kind }) => kind === 'tool') ? toolCalls : stop
  if (beats.at(-1)?.kind !== 'fail') yield { type: 'finish', finishReason, usage: usageOf(prompt, beats) }
}

async function* playBeat(beat: Beat, id: string, options: DemoModelOptions, signal: AbortSignal | undefined): Parts {
  switch (beat.kind) {
    case 'reasoning':
    case 'text':
      yield { type: `${beat.kind}-start`, id }
      for await (const delta of spoken(beat.text, options, signal)) yield { type: `${beat.kind}-delta`, id, delta }
      yield { type: `${beat.kind}-end`, id }
      break
    case 'tool':
      yield* callTool(beat, options, signal)
      break
    case 'source':
      yield { type: 'source', sourceType: 'url', id, url: beat.url, title: beat.title }
      break
    case 'picture':
      yield { type: 'file', mediaType: 'image/png', data: { type: 'data', data: beat.png } }
      break
    case 'fail':
      yield { type: 'error', error: new Error('the demo model failed, as you asked') }
  }
}

async function* callTool(
  { name, input }: Extract<Beat, { kind: 'tool' }>,
  options: DemoModelOptions,
  signal: AbortSignal | undefined,
): Parts {
  const id = crypto.randomUUID()
  const text = JSON.stringify(input)
  yield { type: 'tool-input-start', id, toolName: name }
  for await (const delta of spoken(text, options, signal)) yield { type: 'tool-input-delta', id, delta }
  yield { type: 'tool-input-end', id }
  yield { type: 'tool-call', toolCallId: id, toolName: name, input: text }
}

/** Yields a text token by token, at the given pace. */
async function* spoken(
  text: string,
  { tokensPerSecond, isInterrupted, mayGoOn }: DemoModelOptions,
  signal: AbortSignal | undefined,
): AsyncGenerator<string> {
  const startedAt = performance.now()
  for (const [index, token] of tokensOf(text).entries()) {
    // NOTE: waits until a point in time, not for an interval, so that late timers do not add up
    const due = startedAt + (index * 1000) / tokensPerSecond
    await sleep(Math.max(0, due - performance.now()), undefined, { signal })
    await mayGoOn?.(index, signal)
    yield token
    if (/[.!?]$/.test(token) && isInterrupted?.()) return
  }
}

function usageOf(prompt: LanguageModelV4Prompt, beats: readonly Beat[]): LanguageModelV4Usage {
  const input = countTokens(wordsOf(prompt))
  const spokenAs = (wanted: string): number =>
    beats.reduce((sum, beat) => sum + (beat.kind === wanted && 'text' in beat ? countTokens(beat.text) : 0), 0)
  const [text, reasoning] = [spokenAs('text'), spokenAs('reasoning')]
  return {
    inputTokens: { total: input, noCache: input, cacheRead: 0, cacheWrite: 0 },
    outputTokens: { total: text + reasoning, text, reasoning },
  }
}
