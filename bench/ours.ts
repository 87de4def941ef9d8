import { pathToFileURL } from 'node:url'
import { build } from 'vite'
import { here } from '../scripts/entries.ts'

/** This package, built as it is published. */
export interface Ours {
  client: typeof import('../src/index.ts')
  agent: typeof import('../src/agent/index.ts')
  archive: typeof import('../src/archive/index.ts')
  local: typeof import('../src/local/index.ts')
}

const defaultOutDir = here('node_modules/.cache/bench')

/** Builds `src` into a folder and loads the result. */
export async function loadOurs(outDir = defaultOutDir): Promise<Ours> {
  const load = (name: string) => import(pathToFileURL(`${outDir}/${name}.js`).href)
  await build({
    configFile: false,
    root: here('.'),
    logLevel: 'error',
    build: {
      outDir,
      emptyOutDir: true,
      minify: false,
      sourcemap: true,
      target: 'es2023',
      lib: {
        entry: {
          client: here('src/index.ts'),
          agent: here('src/agent/index.ts'),
          archive: here('src/archive/index.ts'),
          local: here('src/local/index.ts'),
        },
        formats: ['es'],
      },
      rolldownOptions: { external: /^[@\w]/ },
    },
  })
  // NOTE: the sessions of stores stay idle on a server, and a process without a window counts as one
  globalThis.window ??= {} as typeof window
  return {
    client: await load('client'),
    agent: await load('agent'),
    archive: await load('archive'),
    local: await load('local'),
  }
}
