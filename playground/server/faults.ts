import type { LocalAblyPlugin } from 'vue-ai-transport/local/vite'
import type { FaultOrder, LastingFault } from '../shared/faults'

/** The agent's process, which a failure can kill and restart. */
export interface AgentProcess {
  kill(): void
  restart(): void
}

/** The failures that are active now. */
export interface Faults {
  /** Whether the agent accepts a cancel. */
  mayStop(): boolean
  /** The response that replaces the agent's, if a failure is active. */
  refusal(): Response | undefined
  /** Starts a failure, or ends it when its seconds are 0; false if the kind is unknown. */
  cause(kind: string, order: FaultOrder): boolean
}

const longest = 60

/** The `retry-after` of a refusal, in seconds. */
const retryAfter = 3

/** Simulates failures, each until it is ended or its seconds are over. */
export function createFaults(endpoint: LocalAblyPlugin['endpoint'], agent: AgentProcess): Faults {
  const nothing = () => {}
  const forClient: Partial<Record<string, (clientId: string) => () => void>> = {
    network: (clientId) => endpoint.dropConnection(clientId, { refuseFor: Infinity }),
    continuity(clientId) {
      const restore = endpoint.dropConnection(clientId, { refuseFor: Infinity })
      endpoint.refuseResume()
      return restore
    },
    publish(clientId) {
      const error = { code: 42911, statusCode: 429, message: 'too many messages on this channel' }
      return endpoint.refusePublish({ clientId }, { error })
    },
  }
  const forAll = new Set(['down', 'forbidden', 'busy', 'stubborn'])
  const acts: Partial<Record<string, (clientId: string) => void>> = {
    kill: () => agent.kill(),
    restart: () => agent.restart(),
    online: (clientId) => end(`network ${clientId}`),
  }

  /** How each active failure ends, by kind, and client where it affects one. */
  const ends = new Map<string, () => void>()
  const isOn = (kind: LastingFault) => ends.has(kind)
  function end(fault: string): void {
    ends.get(fault)?.()
    ends.delete(fault)
  }

  return {
    mayStop: () => !isOn('stubborn'),
    refusal() {
      if (isOn('forbidden')) return refuse(403, 'you have no access to this agent')
      if (isOn('down')) return refuse(500, 'the agent has an internal error')
      if (isOn('busy')) return refuse(429, 'the agent is overloaded')
      return undefined
    },
    cause(kind, { clientId, seconds }) {
      const act = acts[kind]
      if (act) act(clientId)
      const start = forAll.has(kind) ? () => nothing : forClient[kind]
      if (!start) return act !== undefined
      const fault = forAll.has(kind) ? kind : `${kind} ${clientId}`
      end(fault)
      if (!(seconds > 0)) return true
      const timer = setTimeout(() => end(fault), Math.min(seconds, longest) * 1000).unref()
      const restore = start(clientId)
      ends.set(fault, () => {
        clearTimeout(timer)
        restore()
      })
      return true
    },
  }
}

/** The response of an endpoint that refuses a request. */
export const refuse = (status: number, message: string): Response =>
  Response.json({ error: { message } }, { status, headers: status === 403 ? {} : { 'retry-after': `${retryAfter}` } })
