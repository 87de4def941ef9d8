import { build } from 'vite'
import type { TestProject } from 'vitest/node'
import { here } from '../../../scripts/entries'

declare module 'vitest' {
  export interface ProvidedContext {
    /** The program of an agent process. */
    agentProgram: string
  }
}

const outDir = here('node_modules/.cache/agent-process')

/** Builds the program once for all agent processes: to load the sources is more work than most of them have. */
export default async function setup(project: TestProject): Promise<void> {
  await build({
    configFile: false,
    logLevel: 'error',
    // NOTE: two projects write the same file, perhaps at the same time
    build: { ssr: here('test/support/agent-process/main.ts'), outDir, emptyOutDir: false },
  })
  project.provide('agentProgram', `${outDir}/main.js`)
}
