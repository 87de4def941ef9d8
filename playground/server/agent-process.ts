import * as Ably from 'ably'
import type { ViteDevServer } from 'vite'
import type { AgentControls, createAgent } from './agent'
import { refuse, type AgentProcess } from './faults'

type AgentModule = { createAgent: typeof createAgent }

/** Runs the agent and reloads it when its file changes. It can be killed without publishing anything. */
export class LiveAgent implements AgentProcess {
  #made: { by: AgentModule; agent: ReturnType<typeof createAgent> } | undefined
  #clients: Ably.Realtime[] = []
  #isDead = false

  constructor(
    private readonly server: ViteDevServer,
    private readonly clientOptions: () => Ably.ClientOptions,
    private readonly controls: AgentControls,
  ) {}

  async fetch(request: Request): Promise<Response> {
    if (this.#isDead) return refuse(502, 'the agent is not running')
    const by = (await this.server.ssrLoadModule('/server/agent.ts')) as AgentModule
    if (this.#made?.by !== by) this.#made = { by, agent: by.createAgent(() => this.#connect(), this.controls) }
    return this.#made.agent.fetch(request)
  }

  /** Closes all connections at once, as if the process were killed: its runs stay active and nothing more is published. */
  kill(): void {
    this.#isDead = true
    this.#made = undefined
    for (const client of this.#clients.splice(0)) client.close()
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
