import type { LocalAblyPlugin } from 'vue-ai-transport/local/vite'
import type { ActiveFault, AgentFault, ClientFault, FaultOrder, LastingFault } from '../shared/faults'

/** The agent's process, which a failure can kill and restart. */
export interface AgentProcess {
  readonly isDead: boolean
  kill(): void
  restart(): void
  /** Ends the time that running answers have after SIGTERM. */
  endGrace(): void
}

type Endpoint = LocalAblyPlugin['endpoint']

interface Running {
  readonly fault: ActiveFault
  readonly endsAt: number
  end(): void
}

const longest = 600

/** The `retry-after` of a refusal, in seconds. */
const retryAfter = 3

/** How each failure of a client starts; the returned function ends it. */
const clientFaults: Record<ClientFault, (endpoint: Endpoint, clientId: string) => () => void> = {
  network: (endpoint, clientId) => endpoint.dropConnection(clientId, { refuseFor: Infinity }),
  continuity(endpoint, clientId) {
    const restore = endpoint.dropConnection(clientId, { refuseFor: Infinity })
    endpoint.refuseResume()
    return restore
  },
  publish: (endpoint, clientId) =>
    endpoint.refusePublish(
      { clientId },
      { error: { code: 40000, statusCode: 400, message: 'this channel takes no messages' } },
    ),
  rate: (endpoint, clientId) =>
    endpoint.refusePublish({ clientId }, { error: { code: 42911, statusCode: 429, message: 'too many messages' } }),
  duplicate: (endpoint, clientId) => endpoint.disturb(clientId, 'duplicate'),
  reorder: (endpoint, clientId) => endpoint.disturb(clientId, 'reorder'),
}

const agentFaults: ReadonlySet<string> = new Set<AgentFault>(['down', 'forbidden', 'busy', 'stubborn', 'late'])

/** Simulates failures, each until it is ended or its seconds are over. */
export class Faults {
  readonly #endpoint: Endpoint
  readonly #agent: AgentProcess
  readonly #onChange: () => void
  /** By kind, and client where it affects one. */
  readonly #running = new Map<string, Running>()
  /** Resolves once Stops are no longer delayed. */
  #delay = Promise.resolve()

  /** @param onChange - called when a failure starts or ends */
  constructor(endpoint: Endpoint, agent: AgentProcess, onChange: () => void) {
    this.#endpoint = endpoint
    this.#agent = agent
    this.#onChange = onChange
  }

  get active(): readonly ActiveFault[] {
    const lasting = Array.from(this.#running.values(), ({ fault, endsAt }) => ({
      ...fault,
      endsIn: Math.max(0, endsAt - Date.now()),
    }))
    return this.#agent.isDead ? [...lasting, { kind: 'kill' }] : lasting
  }

  /** Whether the agent accepts a cancel; resolves once it hears of it. */
  async mayStop(): Promise<boolean> {
    await this.#delay
    return !this.#running.has('stubborn')
  }

  /** The response that replaces the agent's, if a failure is active. */
  refusal(): Response | undefined {
    if (this.#running.has('forbidden')) return refuse(403, 'you have no access to this agent')
    if (this.#running.has('down')) return refuse(500, 'the agent has an internal error')
    if (this.#running.has('busy')) return refuse(429, 'the agent is overloaded')
    return undefined
  }

  /** Starts a failure, or ends it when its seconds are 0; false if the kind is unknown. */
  cause(kind: string, { clientId, seconds }: FaultOrder): boolean {
    if (kind === 'kill') this.#agent.kill()
    else if (kind === 'restart') this.#agent.restart()
    else if (kind === 'deadline') this.#agent.endGrace()
    else if (kind === 'online') this.#end(`network ${clientId}`)
    else if (agentFaults.has(kind)) this.#restart({ kind: kind as AgentFault }, seconds)
    else if (Object.hasOwn(clientFaults, kind)) this.#restart({ kind: kind as ClientFault, clientId }, seconds)
    else return false
    this.#onChange()
    return true
  }

  #restart(fault: ActiveFault & { kind: LastingFault }, seconds: number): void {
    const key = fault.clientId === undefined ? fault.kind : `${fault.kind} ${fault.clientId}`
    this.#end(key)
    if (!(seconds > 0)) return
    const restore = this.#start(fault)
    const duration = Math.min(seconds, longest) * 1000
    const timer = setTimeout(() => {
      this.#end(key)
      this.#onChange()
    }, duration).unref()
    const end = () => {
      clearTimeout(timer)
      restore()
    }
    this.#running.set(key, { fault, endsAt: Date.now() + duration, end })
  }

  #start({ kind, clientId = '' }: ActiveFault & { kind: LastingFault }): () => void {
    if (Object.hasOwn(clientFaults, kind)) return clientFaults[kind as ClientFault](this.#endpoint, clientId)
    if (kind !== 'late') return () => {}
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#delay = promise
    return resolve
  }

  #end(key: string): void {
    this.#running.get(key)?.end()
    this.#running.delete(key)
  }
}

/** The response of an endpoint that refuses a request. */
export const refuse = (status: number, message: string): Response =>
  Response.json({ error: { message } }, { status, headers: status === 403 ? {} : { 'retry-after': `${retryAfter}` } })
