import type { LocalAblyPlugin } from 'vue-ai-transport/local/vite'
import type { FaultKind, FaultOrder } from '../shared/faults'

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
  /** Starts a failure; false if the kind is unknown. */
  cause(kind: string, order: FaultOrder): boolean
}

const longest = 60

/** The `retry-after` of a refusal, in seconds. */
const retryAfter = 3

/** Simulates failures, each for some seconds. */
export function createFaults(endpoint: LocalAblyPlugin['endpoint'], agent: AgentProcess): Faults {
  const until = new Map<FaultKind, number>()
  const isOn = (kind: FaultKind) => (until.get(kind) ?? 0) > Date.now()

  const returns = new Map<string, () => void>()

  const causes: Record<FaultKind, (order: FaultOrder, ms: number) => unknown> = {
    network({ clientId }, ms) {
      returns.set(clientId, endpoint.dropConnection(clientId, { refuseFor: ms }))
    },
    online: ({ clientId }) => returns.get(clientId)?.(),
    continuity({ clientId }, ms) {
      endpoint.dropConnection(clientId, { refuseFor: ms })
      endpoint.refuseResume()
    },
    publish({ clientId }, ms) {
      const error = { code: 42911, statusCode: 429, message: 'too many messages on this channel' }
      setTimeout(endpoint.refusePublish({ clientId }, { error }), ms).unref()
    },
    down: (_, ms) => until.set('down', Date.now() + ms),
    forbidden: (_, ms) => until.set('forbidden', Date.now() + ms),
    busy: (_, ms) => until.set('busy', Date.now() + ms),
    stubborn: (_, ms) => until.set('stubborn', Date.now() + ms),
    kill: () => agent.kill(),
    restart: () => agent.restart(),
  }

  return {
    mayStop: () => !isOn('stubborn'),
    refusal() {
      if (isOn('forbidden')) return refuse(403, 'you have no access to this agent')
      if (isOn('down')) return refuse(500, 'the agent has an internal error')
      if (isOn('busy')) return refuse(429, 'the agent is overloaded')
      return undefined
    },
    cause(kind, order) {
      if (!Object.hasOwn(causes, kind)) return false
      causes[kind as FaultKind](order, Math.min(Math.max(order.seconds || 0, 1), longest) * 1000)
      return true
    },
  }
}

/** The response of an endpoint that refuses a request. */
export const refuse = (status: number, message: string): Response =>
  Response.json({ error: { message } }, { status, headers: status === 403 ? {} : { 'retry-after': `${retryAfter}` } })
