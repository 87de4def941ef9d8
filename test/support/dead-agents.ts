import type * as Ably from 'ably'
import type { UIMessage } from 'ai'
import { afterEach, beforeEach, onTestFinished, vi } from 'vitest'
import { createClientSession, UIMessageCodec, type ClientSession } from '../../src'
import type { AgentProcess } from './agent-process'
import { startEndpoint, type TestEndpoint } from './local'

/** A user's device. */
export interface Device {
  client?: Ably.RealtimeClient
  /** The process that answers the device's wakes then. */
  agent?: () => AgentProcess
}

/** A place where agents die: an endpoint for each test, whose time a test can let pass. */
export interface Place {
  readonly endpoint: TestEndpoint
  /** Lets time pass for the service and the clients of this process; agents ask the service for the time. */
  skip(milliseconds: number): void
  /** Lets time pass ten times faster until the test ends. */
  hurry(): void
  newName(): string
  /** Opens a session on a device. */
  open(name: string, clientId: string, device?: Device): Promise<ClientSession<UIMessage>>
}

let count = 0

export function useDeadAgents(): Place {
  const realNow = Date.now.bind(Date)
  let endpoint: TestEndpoint
  let skipped = 0
  const skip = (milliseconds: number): void => void (skipped += milliseconds)
  beforeEach(async () => {
    skipped = 0
    vi.spyOn(Date, 'now').mockImplementation(() => realNow() + skipped)
    endpoint = await startEndpoint()
  })
  afterEach(() => void vi.restoreAllMocks())
  return {
    get endpoint() {
      return endpoint
    },
    skip,
    hurry() {
      const timer = setInterval(() => skip(900), 100)
      onTestFinished(() => clearInterval(timer))
    },
    newName: () => `ai:dead-${++count}`,
    async open(name, clientId, { client, agent } = {}) {
      const session = createClientSession({
        client: client ?? endpoint.client({ clientId }),
        channelName: name,
        codec: UIMessageCodec,
        agents: 'agent',
        ...(agent && {
          agent: { url: 'http://agent.test/', fetch: (_: unknown, init?: RequestInit) => fetch(agent().url, init) },
        }),
      })
      onTestFinished(() => session.close())
      await session.connect()
      return session
    },
  }
}

/** A run as a session shows it. */
export const infoOf = (session: ClientSession<UIMessage>, runId: string) =>
  session.runs('session').find((run) => run.runId === runId)
