import { spawn } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { here } from '../../../scripts/entries'
import { createLocalEndpoint } from '../../../src/local'
import { say } from './board'

declare module 'vitest' {
  export interface ProvidedContext {
    site: Site
  }
}

/** The example, built once from the packed package. */
export interface Site {
  /** Its folder. */
  readonly root: string
  /** The packed package. */
  readonly tarball: string
  /** The local endpoint that it was built for. */
  readonly port: number
  readonly key: string
}

/** Packs this package, installs it in a copy of the example, and builds that. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  if (!existsSync(here('dist/nuxt/module.js'))) throw new Error('unable to test Nuxt; run `npm run build` first')
  const root = mkdtempSync(join(tmpdir(), 'nuxt-site-'))
  const endpoint = await createLocalEndpoint()
  const stop = async (): Promise<void> => {
    await endpoint.close()
    await rm(root, { recursive: true, force: true })
  }
  try {
    const tarball = join(root, (await run(here('.'), 'npm', 'pack', '--silent', '--pack-destination', root)).trim())
    for (const folder of ['examples/nuxt', 'test/nuxt/site']) cpSync(here(folder), root, { recursive: true })
    const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { dependencies: object }
    manifest.dependencies = { ...manifest.dependencies, 'vue-ai-transport': `file:${tarball}` }
    writeFileSync(join(root, 'package.json'), JSON.stringify(manifest))
    await run(root, 'npm', 'install', '--prefer-offline', '--no-audit', '--no-fund')
    const { key, port } = endpoint
    process.env.TEST_ABLY_PORT = String(port)
    process.env.NUXT_AI_TRANSPORT_KEY = key
    await say(endpoint.clientOptions(), 'prerendered', 'Written before the build')
    await run(root, 'npx', 'nuxt', 'build')
    project.provide('site', { root, tarball, port, key })
  } catch (error) {
    await stop()
    throw error
  }
  return stop
}

/** Runs a command, and returns what it prints. */
export function run(cwd: string, command: string, ...args: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const env = {
      ...process.env,
      NUXT_TELEMETRY_DISABLED: '1',
      NODE_ENV: undefined,
      VITEST: undefined,
      TEST: undefined,
    }
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
    const printed: string[] = []
    const errors: string[] = []
    child.stdout.on('data', (text: Buffer) => printed.push(String(text)))
    child.stderr.on('data', (text: Buffer) => errors.push(String(text)))
    child.once('error', reject)
    child.once('close', (code) => {
      if (code === 0) return resolve(printed.join(''))
      const said = [...printed, ...errors].join('').slice(-4000)
      reject(new Error(`\`${[command, ...args].join(' ')}\` ended with ${code}:\n${said}`))
    })
  })
}
