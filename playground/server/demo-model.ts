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
import { answerTo, isToFail } from './answers'

/** How the demo model behaves. */
export interface DemoModelOptions {
  tokensPerSecond: number
  /** What it thinks before its first token, in ms. @default 600 */
  thinkFor?: number
}

const failAfter = 0.45

/**
 * A language model without a network: the same prompt always gets the same text, token by token, until the abort signal
 * fires. A prompt with the word "fail" makes it break off.
 */
export function createDemoModel({ tokensPerSecond, thinkFor = 600 }: DemoModelOptions): LanguageModelV4 {
  return {
    specificationVersion: 'v4',
    provider: 'playground',
    modelId: 'demo',
    supportedUrls: {},
    async doGenerate({ prompt }) {
      const text = answerTo(lastQuestion(prompt))
      return { content: [{ type: 'text', text }], finishReason, usage: usageOf(prompt, text), warnings: [] }
    },
    async doStream({ prompt, abortSignal }) {
      const parts = answer(prompt, tokensPerSecond, thinkFor, abortSignal)
      return { stream: ReadableStream.from(parts) as LanguageModelV4StreamResult['stream'] }
    },
  }
}

const finishReason = { unified: 'stop', raw: 'stop' } as const

async function* answer(
  prompt: LanguageModelV4Prompt,
  tokensPerSecond: number,
  thinkFor: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<LanguageModelV4StreamPart> {
  const question = lastQuestion(prompt)
  const text = answerTo(question)
  const tokens = tokensOf(text)
  const breakAt = isToFail(question) ? Math.ceil(tokens.length * failAfter) : Infinity
  yield { type: 'stream-start', warnings: [] }
  await sleep(thinkFor, undefined, { signal })
  yield { type: 'text-start', id: 'answer' }
  const startedAt = performance.now()
  for (const [index, delta] of tokens.entries()) {
    if (index >= breakAt) {
      yield { type: 'error', error: new Error('the demo model lost its thread, as you asked it to') }
      return
    }
    // NOTE: waits for a point in time, not for an interval, so that late timers do not add up
    const due = startedAt + (index * 1000) / tokensPerSecond
    await sleep(Math.max(0, due - performance.now()), undefined, { signal })
    yield { type: 'text-delta', id: 'answer', delta }
  }
  yield { type: 'text-end', id: 'answer' }
  yield { type: 'finish', finishReason, usage: usageOf(prompt, text) }
}

const textOf = ({ content }: LanguageModelV4Prompt[number]): string =>
  typeof content === 'string' ? content : content.map((part) => (part.type === 'text' ? part.text : '')).join('')

const lastQuestion = (prompt: LanguageModelV4Prompt): string => {
  const message = prompt.findLast(({ role }) => role === 'user')
  return message ? textOf(message) : ''
}

function usageOf(prompt: LanguageModelV4Prompt, text: string): LanguageModelV4Usage {
  const input = countTokens(prompt.map(textOf).join(' '))
  const output = countTokens(text)
  return {
    inputTokens: { total: input, noCache: input, cacheRead: 0, cacheWrite: 0 },
    outputTokens: { total: output, text: output, reasoning: 0 },
  }
}
