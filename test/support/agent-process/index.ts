import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { inject, onTestFinished } from 'vitest'
import type { TestEndpoint } from '../local'

/** An agent in its own process. */
export interface AgentProcess {
  readonly url: string
  /** Sends it a wake-up request. */
  wake(invocation: { inputEventId: string; sessionName: string }): Promise<{ status: number; body: WakeAnswer }>
  /** Stops the process without ending it, as a frozen container is; it does nothing until `thaw`. */
  freeze(): void
  thaw(): void
  /** Resolves when the process aborts its work on a run. */
  aborts(runId: string): Promise<void>
  /** Kills the process, as a crash would. */
  kill(): Promise<void>
  /** Resolves once the process is gone. */
  gone(): Promise<void>
  /** Asks the process to end, as a deploy does; resolves after its exit. */
  terminate(): Promise<void>
}

export interface WakeAnswer {
  runId: string
  invocationId: string
  handled?: boolean
}

/** The options of an agent process. */
export interface AgentProcessOptions {
  /** Whether its client has the presence plugin. @default true */
  readonly hasPresence?: boolean
  /** The number of concurrent runs that it allows per session. @default Infinity */
  readonly admitted?: number
  /** The SQLite file of its archive. @default none */
  readonly archive?: string
  /**
   * Milliseconds for which its presence stays after a kill. Ably's default is 15 seconds.
   * @default 1000, to keep tests short
   */
  readonly remainPresentFor?: number
  /** Whether nothing that it writes reaches the archive. */
  readonly isWriteHeld?: boolean
  /** Whether it is killed once it has answered a request and the promises of `waitUntil` have settled. */
  readonly isServerless?: boolean
}

/** Starts an agent process on an endpoint; it ends with the test. */
export async function startAgentProcess(
  endpoint: TestEndpoint,
  options: AgentProcessOptions = {},
): Promise<AgentProcess> {
  const transportParams = { remainPresentFor: options.remainPresentFor ?? 1000 }
  const clientOptions = { ...endpoint.clientOptions(), transportParams, disconnectedRetryTimeout: 50 }
  const child = fork(inject('agentProgram'), [JSON.stringify(clientOptions), JSON.stringify(options)], {
    execArgv: [],
    stdio: 'inherit',
  })
  onTestFinished(() => end(child))
  const aborted = new Set<string>()
  child.on('message', (message: { aborted?: string }) => aborted.add(message.aborted ?? ''))
  const [{ port }] = (await once(child, 'message')) as [{ port: number }]
  const url = `http://127.0.0.1:${port}/`
  return {
    url,
    async wake(invocation) {
      const headers = { 'content-type': 'application/json' }
      const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(invocation) })
      return { status: response.status, body: (await response.json()) as WakeAnswer }
    },
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    async aborts(runId) {
      while (!aborted.has(runId)) await once(child, 'message')
    },
    kill: () => end(child),
    gone: () => exited(child),
    async terminate() {
      child.kill('SIGTERM')
      await exited(child)
    },
  }
}

async function end(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL')
  await exited(child)
}

async function exited(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
}

/** An agent on a serverless function: each request gets a process of its own, which is gone after it. */
export interface Serverless {
  readonly instances: readonly AgentProcess[]
  fetch(request: Request): Promise<Response>
}

export function serverless(endpoint: TestEndpoint, options: AgentProcessOptions = {}): Serverless {
  const instances: AgentProcess[] = []
  return {
    instances,
    async fetch(request) {
      const instance = await startAgentProcess(endpoint, { ...options, isServerless: true })
      instances.push(instance)
      return fetch(instance.url, { method: 'POST', headers: request.headers, body: await request.text() })
    },
  }
}
