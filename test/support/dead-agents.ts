import type * as Ably from 'ably'
import type { UIMessage } from 'ai'
import { afterEach, beforeEach, onTestFinished, vi } from 'vitest'
import { createClientSession, UIMessageCodec, type ClientSession } from '../../src'
import type { Archive } from '../../src/archive'
import type { AgentProcess } from './agent-process'
import { startEndpoint, type TestEndpoint } from './local'

/** A user's device. */
export interface Device {
  client?: Ably.RealtimeClient
  /** The agent process that receives the device's wake-ups at the time. */
  agent?: () => AgentProcess
  /** Answers the device's wakes in this process instead. */
  wake?: (request: Request) => Promise<Response>
  archive?: Archive
  historyPageSize?: number
}

/** A scene for dead agents: a new endpoint for each test, and clocks that a test can advance. */
export interface Place {
  readonly endpoint: TestEndpoint
  /** Advances the clocks of the service and of this process's clients; agents read the service's clock. */
  skip(milliseconds: number): void
  /** Stops these clocks: only `skip` advances them. */
  stopClocks(): void
  /** Lets time pass ten times faster until the test ends, or until the returned function is called. */
  hurry(): () => void
  newName(): string
  /** Opens a session on a device. */
  open(name: string, clientId: string, device?: Device): Promise<ClientSession<UIMessage>>
}

let count = 0

export function useDeadAgents(): Place {
  const realNow = Date.now.bind(Date)
  let endpoint: TestEndpoint
  let skipped = 0
  let now = realNow
  const skip = (milliseconds: number): void => void (skipped += milliseconds)
  beforeEach(async () => {
    skipped = 0
    now = realNow
    vi.spyOn(Date, 'now').mockImplementation(() => now() + skipped)
    endpoint = await startEndpoint()
  })
  afterEach(() => void vi.restoreAllMocks())
  return {
    get endpoint() {
      return endpoint
    },
    skip,
    stopClocks() {
      const stoppedAt = now()
      now = () => stoppedAt
    },
    hurry() {
      const timer = setInterval(() => skip(900), 100)
      const calm = (): void => clearInterval(timer)
      onTestFinished(calm)
      return calm
    },
    newName: () => `ai:dead-${++count}`,
    async open(name, clientId, { client, agent, wake, ...more } = {}) {
      const send = (init?: RequestInit) =>
        wake ? wake(new Request('http://agent.test/', init)) : fetch(agent!().url, init)
      const session = createClientSession({
        client: client ?? endpoint.client({ clientId }),
        channelName: name,
        codec: UIMessageCodec,
        agents: 'agent',
        ...more,
        ...((agent ?? wake) && {
          agent: { url: 'http://agent.test/', fetch: (_: unknown, init?: RequestInit) => send(init) },
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
