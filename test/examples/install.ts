import { cpSync, existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { here } from '../../scripts/entries'
import { run } from '../support/command'

declare module 'vitest' {
  export interface ProvidedContext {
    /** The folder with the installed examples. */
    examples: string
  }
}

/** Packs this package, and installs it in a copy of each example. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  if (!existsSync(here('dist/index.js'))) throw new Error('unable to test the examples; run `npm run build` first')
  const root = mkdtempSync(join(tmpdir(), 'examples-'))
  const stop = (): Promise<void> => rm(root, { recursive: true, force: true })
  try {
    const tarball = join(root, (await run(here('.'), 'npm', 'pack', '--silent', '--pack-destination', root)).trim())
    await Promise.all(['vite', 'agents'].map((name) => install(join(root, name), here(`examples/${name}`), tarball)))
    project.provide('examples', root)
  } catch (error) {
    await stop()
    throw error
  }
  return stop
}

async function install(folder: string, example: string, tarball: string): Promise<void> {
  cpSync(example, folder, { recursive: true, filter: (file) => !file.includes('node_modules') })
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { dependencies: object }
  manifest.dependencies = { ...manifest.dependencies, 'vue-ai-transport': `file:${tarball}` }
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest))
  await run(folder, 'npm', 'install', '--prefer-offline', '--no-audit', '--no-fund')
}
