import { spawn } from 'node:child_process'
import { here } from './entries.ts'

/**
 * The npm scripts that `npm test` runs, each with the ones that have to end before it. Long ones come first, so that
 * short ones fill the time until the last one ends.
 */
export const stages: Readonly<Record<string, readonly string[]>> = {
  chromium: [],
  'test:e2e': ['chromium'],
  build: [],
  'test:unit': [],
  // NOTE: after the tests that read the folder of the docs
  'docs:build': ['test:unit'],
  'test:examples': ['build', 'chromium', 'docs:build'],
  'test:integration': [],
  'test:nuxt': ['build', 'chromium'],
  'story:build': [],
  'test:stories': ['chromium', 'story:build'],
  typecheck: [],
  'format:check': [],
  lint: [],
  size: ['build'],
  'check:package': ['build'],
  statements: [],
}

/** Stages at a time: one alone leaves a processor idle while it waits; with three, tests that race against timers fail on two processors. */
const atOnce = 2

/** The process groups of the stages that run. */
const groups = new Set<number>()

/** Runs all stages, and prints the output of each when it ends. The first that fails ends the others. */
async function runAll(): Promise<void> {
  const from = Date.now()
  const waiting = new Map(Object.entries(stages))
  const running = new Map<string, Promise<void>>()
  process.once('SIGINT', () => end(130))
  process.once('SIGTERM', () => end(143))
  while (waiting.size + running.size > 0) {
    const isFree = ([, after]: [string, readonly string[]]) =>
      !after.some((name) => waiting.has(name) || running.has(name))
    const [name] = (running.size < atOnce && [...waiting].find(isFree)) || []
    if (name) {
      waiting.delete(name)
      running.set(
        name,
        run(name).then(() => void running.delete(name)),
      )
    } else await Promise.race(running.values())
  }
  console.log(`everything passed in ${secondsSince(from)}`)
}

async function run(name: string): Promise<void> {
  const from = Date.now()
  console.log(`started: ${name}`)
  // NOTE: a process group of its own, so that the end of all ends its children, too
  const child = spawn('npm', ['run', '--silent', name], {
    cwd: here('.'),
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    // NOTE: stages start hundreds of processes of Node, and most of them load the same packages
    env: { ...process.env, NODE_COMPILE_CACHE: here('node_modules/.cache/compiled') },
  })
  groups.add(child.pid!)
  const printed: Buffer[] = []
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text: Buffer) => printed.push(text))
  const code = await new Promise((resolve) => child.once('close', resolve))
  groups.delete(child.pid!)
  process.stdout.write(Buffer.concat(printed))
  console.log(`${code === 0 ? 'passed' : 'FAILED'}: ${name}, ${secondsSince(from)}\n`)
  if (code !== 0) end(1)
}

function end(code: number): never {
  for (const group of groups) process.kill(-group, 'SIGTERM')
  process.exit(code)
}

const secondsSince = (from: number): string => `${Math.round((Date.now() - from) / 1000)} s`

if (import.meta.main) await runAll()
