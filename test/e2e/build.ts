import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { build } from 'vite'
import type { TestProject } from 'vitest/node'
import { here } from '../../scripts/entries'
import { startPlayground } from '../../scripts/playground'

declare module 'vitest' {
  export interface ProvidedContext {
    /** The folder with the built pages of the playground. */
    builtPlayground: string
    /** The address of a playground for each process that runs tests. */
    playgrounds: readonly string[]
  }
}

/** Modules that tests import in a page, at their path with `.js`. */
const imported = ['blocks', 'code-lines', 'render'].map((name) => here(`playground/src/markdown/${name}.ts`))

/**
 * Builds the pages of the playground once for all files of tests, with the warnings of development, and starts a server for
 * each process that runs tests. A page takes far less work than from `npm run dev`, which loads each module on its own.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const outDir = mkdtempSync(join(tmpdir(), 'playground-'))
  await build({
    configFile: here('playground/vite.config.ts'),
    mode: 'development',
    logLevel: 'error',
    build: {
      outDir,
      emptyOutDir: true,
      rolldownOptions: {
        input: [here('playground/index.html'), ...imported],
        preserveEntrySignatures: 'allow-extension',
        output: {
          entryFileNames: ({ facadeModuleId }) =>
            imported.includes(facadeModuleId ?? '')
              ? relative(here('playground'), facadeModuleId!).replace('.ts', '.js')
              : 'assets/[name]-[hash].js',
        },
      },
    },
  })
  project.provide('builtPlayground', outDir)
  const starts = Array.from({ length: project.config.maxWorkers }, () => startPlayground({ built: outDir }))
  const playgrounds = await Promise.all(starts)
  project.provide(
    'playgrounds',
    playgrounds.map(({ url }) => url),
  )
  return async () => {
    // NOTE: answers that are held at a gate get no time to end
    await Promise.all(playgrounds.map((playground) => playground.stop('SIGKILL')))
    await rm(outDir, { recursive: true, force: true })
  }
}
