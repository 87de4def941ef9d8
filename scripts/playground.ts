import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { here } from './entries.ts'

/** The playground, served as `npm run dev` serves it. */
export interface Playground extends AsyncDisposable {
  /** The address, without a trailing slash. */
  readonly url: string
  stop(): Promise<void>
}

const startWithin = 40_000

/**
 * Runs `npm run dev` on a free port, and waits until a page can be loaded.
 * @throws Error with the server's output, if it does not start in time
 */
export async function startPlayground(): Promise<Playground> {
  const port = await freePort()
  const url = `http://localhost:${port}`
  // NOTE: a separate process group, so that the children of npm are ended, too
  const server = spawn('npm', ['run', 'dev', '--', '--port', String(port), '--strictPort'], {
    cwd: here('.'),
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    // NOTE: a test runner's own mode would make vite prepare all dependencies again
    env: { ...process.env, NODE_ENV: undefined, VITEST: undefined },
  })
  let output = ''
  for (const stream of [server.stdout, server.stderr]) stream.on('data', (chunk) => (output += chunk))
  const exited = once(server, 'exit')
  const stop = async () => {
    if (server.exitCode !== null || server.signalCode !== null) return
    process.kill(-server.pid!, 'SIGTERM')
    await exited
  }
  const deadline = Date.now() + startWithin
  while (!(await isUp(url))) {
    if (Date.now() > deadline || server.exitCode !== null) {
      await stop()
      throw new Error(`unable to start the playground; ${output || 'it said nothing'}`)
    }
    await sleep(150)
  }
  return { url, stop, [Symbol.asyncDispose]: stop }
}

const isUp = async (url: string): Promise<boolean> =>
  fetch(url, { headers: { accept: 'text/html' } }).then(
    (response) => response.ok,
    () => false,
  )

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
