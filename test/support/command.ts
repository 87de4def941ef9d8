import { spawn } from 'node:child_process'

/** Runs a command, and returns what it prints. */
export function run(cwd: string, command: string, ...args: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env: plainEnv(), stdio: ['ignore', 'pipe', 'pipe'] })
    const printed: string[] = []
    const all: string[] = []
    child.stdout.on('data', (text: Buffer) => printed.push(String(text)))
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text: Buffer) => all.push(String(text)))
    child.once('error', reject)
    child.once('close', (code) => {
      if (code === 0) return resolve(printed.join(''))
      reject(new Error(`\`${[command, ...args].join(' ')}\` ended with ${code}:\n${all.join('').slice(-4000)}`))
    })
  })
}

/** The environment without the variables of the test runner. */
export const plainEnv = (): NodeJS.ProcessEnv => ({
  ...process.env,
  NUXT_TELEMETRY_DISABLED: '1',
  NODE_ENV: undefined,
  VITEST: undefined,
  TEST: undefined,
})
