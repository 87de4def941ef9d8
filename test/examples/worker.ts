import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { build } from 'vite'
import { onTestFinished } from 'vitest'
import { plainEnv } from '../support/command'

// NOTE: not the command of the package, a script that hands on no further streams unless npm ran its install script
const { default: pathOfWorkerd } = createRequire(import.meta.url)('workerd') as { default: string }

/** Bundles a Worker as for the edge: with no packages of Node, and with the exports that packages have for Workers. */
export async function bundleWorker(folder: string, entry: string): Promise<string> {
  const outDir = join(folder, 'worker')
  await build({
    configFile: false,
    root: folder,
    logLevel: 'error',
    resolve: { conditions: ['workerd', 'worker', 'browser', 'module', 'import', 'default'] },
    build: { outDir, lib: { entry: join(folder, entry), formats: ['es'], fileName: 'main' } },
  })
  return outDir
}

/** Runs a bundled Worker with one Durable Object class in workerd, and returns its address. It ends with the test. */
export async function startWorker(folder: string, className: string, env: Record<string, string>): Promise<string> {
  const config = join(folder, 'worker.capnp')
  writeFileSync(
    config,
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .main),
    (name = "internet", network = (allow = ["private", "local"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
const main :Workerd.Worker = (
  modules = [(name = "main", esModule = embed "main.js")],
  compatibilityDate = "2026-07-01",
  durableObjectNamespaces = [(className = "${className}", uniqueKey = "agents")],
  durableObjectStorage = (inMemory = void),
  bindings = [
    (name = "AGENT", durableObjectNamespace = "${className}"),
${Object.keys(env)
  .map((name) => `    (name = "${name}", fromEnvironment = "${name}"),`)
  .join('\n')}
  ],
);
`,
  )
  const workerd = spawn(pathOfWorkerd, ['serve', config, '--control-fd=3'], {
    env: { ...plainEnv(), ...env },
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
  })
  onTestFinished(() => void workerd.kill())
  let errors = ''
  workerd.stderr!.on('data', (text: Buffer) => (errors += String(text)))
  const ended = once(workerd, 'exit').then(([code]) => {
    throw new Error(`workerd ended with ${code}:\n${errors}`)
  })
  const port = (async () => {
    let printed = ''
    for await (const text of workerd.stdio[3] as Readable) {
      printed += String(text)
      const [, found] = /"socket":"http","port":(\d+)/.exec(printed) ?? []
      if (found) return found
    }
    return ended
  })()
  ended.catch(() => undefined)
  return `http://127.0.0.1:${await Promise.race([port, ended])}`
}
