import { defineConfig } from 'tsdown'
import { chunkFileNames, entries, resolvedByNuxt, nuxtRuntime, sharedChunks } from './scripts/entries.ts'

const { 'local/cli': _command, ...modules } = entries

// NOTE: the suffix is how tsdown's declaration plugin knows a chunk of declarations
const groups = sharedChunks.map((chunk) => ({ ...chunk, name: `${chunk.name}.d` }))

/** Declarations only: vite has written the JavaScript beside them. */
export default defineConfig({
  entry: { ...modules, ...nuxtRuntime },
  platform: 'neutral',
  format: 'esm',
  outDir: 'dist',
  clean: false,
  deps: { neverBundle: [resolvedByNuxt, /^@nuxt\//, /^nuxt(\/|$)/, 'h3'] },
  checks: { bundlerTimings: false },
  dts: { vue: true, emitDtsOnly: true },
  outputOptions: { chunkFileNames, codeSplitting: { groups } },
})
