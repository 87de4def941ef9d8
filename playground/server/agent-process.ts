import { setTimeout as sleep } from 'node:timers/promises'
import * as Ably from 'ably'
import { runnerImport, type PreviewServer, type ViteDevServer } from 'vite'
import type { AgentControls, createAgent } from './agent'
import { refuse, type AgentProcess } from './faults'

type AgentModule = { createAgent: typeof createAgent }

const agentFile = '/server/agent.ts'

/** Milliseconds that running answers get when the server ends, unless `GRACE` has other seconds. */
const grace = Number(process.env.GRACE ?? 10) * 1000

/** Runs the agent and reloads it when its file changes. It can be killed without publishing anything. */
export class LiveAgent implements AgentProcess {
  #made: { by: AgentModule; agent: ReturnType<typeof createAgent> } | undefined
  #clients: Ably.Realtime[] = []
  readonly #answers = new Set<Promise<unknown>>()
  readonly #graceEnd = Promise.withResolvers<void>()
  #isDead = false
  readonly #load: () => Promise<AgentModule>

  get isDead(): boolean {
    return this.#isDead
  }

  constructor(
    server: ViteDevServer | PreviewServer,
    private readonly clientOptions: () => Ably.ClientOptions,
    private readonly controls: AgentControls,
  ) {
    this.#load = loaderOn(server)
  }

  async fetch(request: Request): Promise<Response> {
    if (this.#isDead) return refuse(502, 'the agent is not running')
    const by = await this.#load()
    if (this.#made?.by !== by) this.#made = { by, agent: by.createAgent(() => this.#connect(), this.controls) }
    return this.#made.agent.fetch(request, { waitUntil: (answer) => this.#track(answer) })
  }

  /** Closes all connections at once, as if the process were killed: its runs stay active and nothing more is published. */
  kill(): void {
    this.#isDead = true
    this.#made = undefined
    for (const client of this.#clients.splice(0)) client.close()
  }

  /** Ends as on a deploy: takes no new prompts, gives running answers their time, and ends the rest as cancelled. */
  async end(): Promise<void> {
    this.#isDead = true
    await Promise.race([Promise.all(this.#answers), sleep(grace), this.#graceEnd.promise])
    await this.#made?.agent.close()
    this.kill()
  }

  endGrace(): void {
    this.#graceEnd.resolve()
  }

  #track(answer: Promise<unknown>): void {
    this.#answers.add(answer)
    void answer.finally(() => this.#answers.delete(answer))
  }

  restart(): void {
    this.#isDead = false
  }

  #connect(): Ably.Realtime {
    const client = new Ably.Realtime({ ...this.clientOptions(), logLevel: 0 })
    this.#clients.push(client)
    return client
  }
}

/** Loads the agent's module: on the dev server as its file is now, in `vite preview` once. */
function loaderOn(server: ViteDevServer | PreviewServer): () => Promise<AgentModule> {
  if ('ssrLoadModule' in server) return async () => (await server.ssrLoadModule(agentFile)) as AgentModule
  const { root, resolve } = server.config
  const loaded = runnerImport<AgentModule>(root + agentFile, { root, resolve: { alias: resolve.alias } })
  return async () => (await loaded).module
}
