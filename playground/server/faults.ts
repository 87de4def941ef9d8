import type { LocalAblyPlugin } from 'vue-ai-transport/local/vite'
import type { FaultKind, FaultOrder } from '../shared/faults'

/** The agent's process, as far as it can be ended and begun. */
export interface AgentProcess {
  kill(): void
  restart(): void
}

/** What goes wrong at the moment, because somebody asked for it. */
export interface Faults {
  /** Whether the agent heeds a Stop. */
  mayStop(): boolean
  /** What the agent's endpoint answers in place of the agent, if anything. */
  refusal(): Response | undefined
  /** Makes something go wrong; false for a kind that there is none of. */
  cause(kind: string, order: FaultOrder): boolean
}

const longest = 60

/** Seconds after which a client is to come again; also shows how long a page says it waits. */
const retryAfter = 3

/** Makes things go wrong on purpose, each for some seconds. */
export function createFaults(endpoint: LocalAblyPlugin['endpoint'], agent: AgentProcess): Faults {
  const until = new Map<FaultKind, number>()
  const isOn = (kind: FaultKind) => (until.get(kind) ?? 0) > Date.now()

  const causes: Record<FaultKind, (order: FaultOrder, ms: number) => unknown> = {
    network: ({ clientId }, ms) => endpoint.dropConnection(clientId, { refuseFor: ms }),
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
      if (isOn('forbidden')) return refuse(403, 'you may not ask this agent')
      if (isOn('down')) return refuse(500, 'the agent is not itself')
      if (isOn('busy')) return refuse(429, 'the agent has too much to do')
      return undefined
    },
    cause(kind, order) {
      if (!Object.hasOwn(causes, kind)) return false
      causes[kind as FaultKind](order, Math.min(Math.max(order.seconds || 0, 1), longest) * 1000)
      return true
    },
  }
}

/** What an endpoint says that does not do what it is asked to. */
export const refuse = (status: number, message: string): Response =>
  Response.json({ error: { message } }, { status, headers: status === 403 ? {} : { 'retry-after': `${retryAfter}` } })
