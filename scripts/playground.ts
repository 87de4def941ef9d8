import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { here } from './entries.ts'
import { freePort } from './free-port.ts'

/** The playground on a server of its own. */
export interface Playground extends AsyncDisposable {
  /** The address, without a trailing slash. */
  readonly url: string
  /** Sends a signal to the server's processes. */
  signal(name: NodeJS.Signals): void
  /** Ends the server, with SIGTERM unless another signal is given. */
  stop(signal?: NodeJS.Signals): Promise<void>
}

const startWithin = 120_000

export interface PlaygroundOptions {
  /** A folder with built pages. Without it, `npm run dev` serves the sources. */
  built?: string
  /** The address to serve at. @default 'localhost', which other machines do not reach */
  host?: string
  /** @default a free port */
  port?: number
  /** Further variables of the environment. */
  env?: NodeJS.ProcessEnv
}

/**
 * Runs the playground, and waits until a page can be loaded.
 * @throws Error with the server's output, if it does not start in time, twice
 */
export const startPlayground = (options: PlaygroundOptions = {}): Promise<Playground> =>
  // NOTE: another process can take the free port first
  start(options).catch(() => start(options))

async function start(options: PlaygroundOptions): Promise<Playground> {
  const { built, env, host = 'localhost', port = await freePort() } = options
  const url = `http://${host}:${port}`
  const [command, ...args] = built
    ? [process.execPath, vite, 'preview', 'playground', '--outDir', built]
    : ['npm', 'run', 'dev', '--']
  // NOTE: a separate process group, so that the children of npm are ended, too
  const server = spawn(command, [...args, '--host', host, '--port', String(port), '--strictPort'], {
    cwd: here('.'),
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...plainEnv(), ...env },
  })
  let output = ''
  for (const stream of [server.stdout, server.stderr]) stream.on('data', (chunk) => (output += chunk))
  const exited = once(server, 'exit')
  const signal = (name: NodeJS.Signals) => void process.kill(-server.pid!, name)
  const stop = async (name: NodeJS.Signals = 'SIGTERM') => {
    if (server.exitCode !== null || server.signalCode !== null) return
    signal(name)
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
  return { url, signal, stop, [Symbol.asyncDispose]: () => stop() }
}

const vite = here('node_modules/vite/bin/vite.js')

// NOTE: a test runner's own mode would make vite prepare all dependencies again
const plainEnv = (): NodeJS.ProcessEnv => ({ ...process.env, NODE_ENV: undefined, VITEST: undefined })

const isUp = async (url: string): Promise<boolean> =>
  fetch(url, { headers: { accept: 'text/html' } }).then(
    (response) => response.ok,
    () => false,
  )
