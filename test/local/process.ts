import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { build } from 'vite'
import { here } from '../../scripts/entries'

/** The command in its own process. */
export interface CommandProcess {
  readonly child: ChildProcess
  /** The output so far. */
  readonly output: string
  readonly url: string
  readonly port: number
  /** Ends the process by a signal, and waits for its exit. */
  end(signal: NodeJS.Signals): Promise<{ code: number | null; signal: NodeJS.Signals | null }>
}

const outDir = here('node_modules/.cache/local-command')

/** Builds the command as it is published. */
export async function buildCommand(): Promise<void> {
  await build({
    configFile: false,
    logLevel: 'error',
    build: {
      outDir,
      minify: false,
      target: 'es2023',
      lib: { entry: { cli: here('src/local/cli.ts') }, formats: ['es'] },
      rolldownOptions: { external: /^(node:|[@\w])/ },
    },
  })
}

/** Runs `vue-ai-transport local` and waits until it responds. */
export const startCommand = (...args: string[]) => launch(process.execPath, `${outDir}/cli.js`, 'local', ...args)

/** Runs it where no file can grow larger than this. */
export const startCommandWithin = (kilobytes: number, ...args: string[]) =>
  launch('bash', '-c', `ulimit -f ${kilobytes}; exec "$0" "$@"`, process.execPath, `${outDir}/cli.js`, 'local', ...args)

async function launch(command: string, ...args: string[]): Promise<CommandProcess> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk))
  const gone = once(child, 'exit')
  while (!output.includes('Listening on') && child.exitCode === null) {
    await Promise.race([once(child.stdout, 'data'), gone])
  }
  const [, url = ''] = /Listening on (\S+)/.exec(output) ?? []
  if (!url) throw new Error(`the command does not start: ${output}`)
  return {
    child,
    url,
    port: Number(new URL(url).port),
    get output() {
      return output
    },
    async end(signal) {
      child.kill(signal)
      const [code, by] = (await gone) as [number | null, NodeJS.Signals | null]
      return { code, signal: by }
    },
  }
}
