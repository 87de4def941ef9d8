import type { LanguageModelV4, LanguageModelV4Prompt, LanguageModelV4StreamPart } from '@ai-sdk/provider'

export const usage = {
  inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 1, text: 1, reasoning: 0 },
}

/** One call of the model: its request, and its reply as the test streams it. */
export class ModelCall {
  #controller: ReadableStreamDefaultController<LanguageModelV4StreamPart> | undefined
  /** The text so far. */
  said = ''
  isStopped = false
  readonly stream = new ReadableStream<LanguageModelV4StreamPart>({
    start: (controller) => {
      this.#controller = controller
      controller.enqueue({ type: 'stream-start', warnings: [] })
      controller.enqueue({ type: 'text-start', id: 'text' })
    },
    cancel: () => {
      this.isStopped = true
    },
  })

  constructor(
    readonly prompt: LanguageModelV4Prompt,
    readonly signal: AbortSignal | undefined,
  ) {
    signal?.addEventListener('abort', () => {
      if (this.isStopped) return
      this.isStopped = true
      this.#controller?.error(signal.reason)
    })
  }

  /** The prompt as `role: text` lines. */
  get transcript(): string[] {
    return this.prompt.map(({ role, content }) => {
      const text =
        typeof content === 'string' ? content : content.map((part) => ('text' in part ? part.text : '')).join('')
      return `${role}: ${text}`
    })
  }

  say(...words: string[]): void {
    if (this.isStopped) return
    for (const delta of words) {
      this.said += delta
      this.#controller?.enqueue({ type: 'text-delta', id: 'text', delta })
    }
  }

  finish(): void {
    if (this.isStopped) return
    this.#controller?.enqueue({ type: 'text-end', id: 'text' })
    this.#controller?.enqueue({ type: 'finish', finishReason: { unified: 'stop', raw: 'stop' }, usage })
    this.#controller?.close()
  }

  fail(message: string): void {
    this.#controller?.enqueue({ type: 'error', error: new Error(message) })
    this.#controller?.close()
  }
}

/** A language model whose replies are streamed by a test. */
export class HandModel implements LanguageModelV4 {
  readonly specificationVersion = 'v4'
  readonly provider = 'test'
  readonly modelId = 'hand'
  readonly supportedUrls = {}
  readonly calls: ModelCall[] = []
  readonly #waiting: (() => void)[] = []

  doGenerate(): never {
    throw new Error('only streams')
  }

  doStream: LanguageModelV4['doStream'] = async ({ prompt, abortSignal }) => {
    const call = new ModelCall(prompt, abortSignal)
    this.calls.push(call)
    for (const wake of this.#waiting.splice(0)) wake()
    return { stream: call.stream }
  }

  /** Resolves with the call of this number, counted from 0. */
  async call(index: number): Promise<ModelCall> {
    while (this.calls.length <= index) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    return this.calls[index]!
  }

  /** Resolves with the call whose last prompt is this one. */
  async callFor(question: string): Promise<ModelCall> {
    for (let index = 0; ; index++) {
      const call = await this.call(index)
      if (call.transcript.at(-1) === `user: ${question}`) return call
    }
  }
}
