import { cpSync, mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { here } from '../../../scripts/entries'
import { createLocalEndpoint } from '../../../src/local'
import { run } from '../../support/command'
import { installExample, pack } from '../../support/install'
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
  const root = mkdtempSync(join(tmpdir(), 'nuxt-site-'))
  const endpoint = await createLocalEndpoint()
  const stop = async (): Promise<void> => {
    await endpoint.close()
    await rm(root, { recursive: true, force: true })
  }
  try {
    const tarball = await pack(root)
    await installExample('nuxt', root, tarball)
    cpSync(here('test/nuxt/site'), root, { recursive: true })
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
