import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import type { TestEndpoint } from '../local'

/** An agent in a process of its own. */
export interface AgentProcess {
  readonly url: string
  /** Wakes it. */
  wake(invocation: { inputEventId: string; sessionName: string }): Promise<{ status: number; body: WakeAnswer }>
  /** Ends it without a word, as a crash would. */
  kill(): Promise<void>
  /** Asks it to end, as a deploy does; resolves when it has. */
  terminate(): Promise<void>
}

export interface WakeAnswer {
  runId: string
  invocationId: string
  handled?: boolean
}

/** What an agent process differs in. */
export interface AgentProcessOptions {
  /** Whether its client has the presence plugin. @default true */
  readonly hasPresence?: boolean
  /** Runs of a session that it lets go on at a time. @default Infinity */
  readonly admitted?: number
}

const start = fileURLToPath(new URL('./start.ts', import.meta.url))

/** Starts an agent process on an endpoint; it ends with the test. */
export async function startAgentProcess(
  endpoint: TestEndpoint,
  options: AgentProcessOptions = {},
): Promise<AgentProcess> {
  // NOTE: a second after a kill instead of 15, to keep tests short
  const transportParams = { remainPresentFor: 1000 }
  const clientOptions = { ...endpoint.clientOptions(), transportParams, disconnectedRetryTimeout: 50 }
  const child = fork(start, [JSON.stringify(clientOptions), JSON.stringify(options)], {
    execArgv: [],
    stdio: 'inherit',
  })
  onTestFinished(() => end(child))
  const [{ port }] = (await once(child, 'message')) as [{ port: number }]
  const url = `http://127.0.0.1:${port}/`
  return {
    url,
    async wake(invocation) {
      const headers = { 'content-type': 'application/json' }
      const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(invocation) })
      return { status: response.status, body: (await response.json()) as WakeAnswer }
    },
    kill: () => end(child),
    async terminate() {
      const over = once(child, 'exit')
      child.kill('SIGTERM')
      await over
    },
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const over = once(child, 'exit')
  child.kill('SIGKILL')
  await over
}
