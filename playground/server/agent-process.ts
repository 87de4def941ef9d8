import * as Ably from 'ably'
import type { ViteDevServer } from 'vite'
import type { createAgent } from './agent'
import { refuse, type AgentProcess } from './faults'

type AgentModule = { createAgent: typeof createAgent }

/** The agent as its file is now: an edit makes a new one for the runs to come. It can be ended without a word. */
export class LiveAgent implements AgentProcess {
  #made: { by: AgentModule; agent: ReturnType<typeof createAgent> } | undefined
  #clients: Ably.Realtime[] = []
  #isDead = false

  constructor(
    private readonly server: ViteDevServer,
    private readonly clientOptions: () => Ably.ClientOptions,
    private readonly mayStop: () => boolean,
  ) {}

  async fetch(request: Request): Promise<Response> {
    if (this.#isDead) return refuse(502, 'there is no agent')
    const by = (await this.server.ssrLoadModule('/server/agent.ts')) as AgentModule
    if (this.#made?.by !== by) this.#made = { by, agent: by.createAgent(() => this.#connect(), this.mayStop) }
    return this.#made.agent.fetch(request)
  }

  /** Nothing that it was about to say gets out, as if its process had been killed: its runs stay as they are. */
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
