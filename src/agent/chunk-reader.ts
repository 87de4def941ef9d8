/** What an agent's stream may be: `toUIMessageStream()` of the AI SDK, or chunks that are there already. */
export type ChunkSource<Chunk> = ReadableStream<Chunk> | AsyncIterable<Chunk> | Iterable<Chunk>

/** What a reader that was stopped answers with. */
export const stopped = Symbol('stopped')

type Next<Chunk> = IteratorResult<Chunk, unknown> | typeof stopped

interface Pull<Chunk> {
  next(): Promise<IteratorResult<Chunk, unknown>>
  cancel(): PromiseLike<unknown> | undefined
}

/** Reads a stream until it ends or is stopped, even while the stream itself keeps silent or ignores its signal. */
export class ChunkReader<Chunk> {
  readonly #pull: Pull<Chunk>
  #isStopped = false
  #giveUp: ((result: typeof stopped) => void) | undefined

  constructor(source: ChunkSource<Chunk>) {
    this.#pull = 'getReader' in source ? pullStream(source) : pullIterable(source)
  }

  /** The next chunk. Rejects when the source throws. */
  read(): Promise<Next<Chunk>> {
    if (this.#isStopped) return Promise.resolve(stopped)
    // NOTE: not Promise.race with one promise for the signal: that would remember every chunk until the signal fires
    return new Promise((resolve, reject) => {
      this.#giveUp = resolve
      this.#pull.next().then(resolve, reject)
    })
  }

  /** Makes the reader answer `stopped` at once and tells the source to stop, without waiting for it. */
  stop(): void {
    if (this.#isStopped) return
    this.#isStopped = true
    this.#giveUp?.(stopped)
    try {
      this.#pull.cancel()?.then(undefined, () => undefined)
    } catch {
      // A source that cannot even be told to stop is left alone
    }
  }
}

function pullStream<Chunk>(stream: ReadableStream<Chunk>): Pull<Chunk> {
  const reader = stream.getReader()
  return {
    next: () => reader.read(),
    cancel: () => reader.cancel(),
  }
}

function pullIterable<Chunk>(iterable: AsyncIterable<Chunk> | Iterable<Chunk>): Pull<Chunk> {
  if (Symbol.asyncIterator in iterable) {
    const iterator = iterable[Symbol.asyncIterator]()
    return { next: () => iterator.next(), cancel: () => iterator.return?.() }
  }
  const iterator = iterable[Symbol.iterator]()
  return { next: async () => iterator.next(), cancel: () => void iterator.return?.() }
}
