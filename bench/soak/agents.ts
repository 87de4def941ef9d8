import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Random } from './random.ts'

/** What agent processes say. */
interface Word {
  port?: number
  error?: string
  unhandled?: string
}

/** Two agent processes, each of which may be gone. */
export class Agents {
  /** Errors that agents reported, with how often. */
  readonly errors = new Map<string, number>()
  readonly #args: readonly string[]
  readonly #random: Random
  readonly #fail: (fault: string) => void
  readonly #running = new Map<ChildProcess, number>()

  /** @param args - arguments of an agent process */
  constructor(args: readonly string[], random: Random, fail: (fault: string) => void) {
    this.#args = args
    this.#random = random
    this.#fail = fail
  }

  get count(): number {
    return this.#running.size
  }

  async start(): Promise<void> {
    const child = fork(fileURLToPath(new URL('agent.ts', import.meta.url)), [...this.#args])
    child.once('exit', () => this.#running.delete(child))
    const started = Promise.withResolvers<void>()
    child.on('message', ({ port, error, unhandled }: Word) => {
      if (port !== undefined) this.#running.set(child, port)
      if (port !== undefined) started.resolve()
      if (error !== undefined) this.errors.set(error, (this.errors.get(error) ?? 0) + 1)
      if (unhandled !== undefined) this.#fail(`unhandled rejection in an agent: ${unhandled}`)
    })
    await started.promise
  }

  /** Ends an agent process, if there is one. */
  async stop(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const child = this.#pick()
    if (!child) return
    this.#running.delete(child)
    const over = once(child, 'exit')
    child.kill(signal)
    await over
  }

  async stopAll(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    while (this.count > 0) await this.stop(signal)
  }

  /** Passes a wake to an agent process, and sometimes to another one too, or twice. */
  readonly fetch: typeof fetch = async (_, init) => {
    const wake = (): Promise<Response> => {
      const port = this.#running.get(this.#pick()!)
      if (port === undefined) throw new Error('no agent is running')
      return fetch(`http://127.0.0.1:${port}/`, init)
    }
    if (this.#random.chance(0.2)) wake().catch(() => undefined)
    return wake()
  }

  #pick(): ChildProcess | undefined {
    return [...this.#running.keys()][this.#random.between(0, this.count - 1)]
  }
}
