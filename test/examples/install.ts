import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { installExample, pack } from '../support/install'

declare module 'vitest' {
  export interface ProvidedContext {
    /** The folder with the installed examples. */
    examples: string
  }
}

/** Packs this package, and installs it in a copy of each example. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const root = mkdtempSync(join(tmpdir(), 'examples-'))
  const stop = (): Promise<void> => rm(root, { recursive: true, force: true })
  try {
    const tarball = await pack(root)
    // NOTE: the guide to a Node server and its archive go on from the Vite app, and share its packages
    const install = (name: string, more = {}) => installExample(name, join(root, name), tarball, more)
    await Promise.all([install('vite', { sirv: '*', db0: '*' }), install('agents')])
    project.provide('examples', root)
  } catch (error) {
    await stop()
    throw error
  }
  return stop
}
