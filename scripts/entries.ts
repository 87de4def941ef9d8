import { fileURLToPath } from 'node:url'

/** Every file of dist that users import or run, without its extension, and the source it is built from. */
export const entries = {
  index: 'src/index.ts',
  'agent/index': 'src/agent/index.ts',
  'codec/index': 'src/codec/index.ts',
  'archive/index': 'src/archive/index.ts',
  'local/index': 'src/local/index.ts',
  'local/vite': 'src/local/vite.ts',
  'local/cli': 'src/local/cli.ts',
  'nuxt/module': 'src/nuxt/module.ts',
} as const

/** The path of a file or folder of this repository. */
export const here = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url))

/** Files that the Nuxt module hands to the app's own bundlers by their path. */
export const nuxtRuntime = {
  'nuxt/runtime/check-key': 'src/nuxt/runtime/check-key.ts',
  'nuxt/runtime/guest-tokens': 'src/nuxt/runtime/guest-tokens.ts',
  'nuxt/runtime/plugin.client': 'src/nuxt/runtime/plugin.client.ts',
  'nuxt/runtime/plugin.server': 'src/nuxt/runtime/plugin.server.ts',
  'nuxt/runtime/server/index': 'src/nuxt/runtime/server/index.ts',
} as const

/**
 * The place of a chunk. Chunks of the Nuxt runtime stay in its folder, since the app's bundlers include that
 * folder.
 */
export const chunkFileNames = ({ moduleIds }: { moduleIds: readonly string[] }) =>
  moduleIds.some((id) => id.startsWith(here('src/nuxt/runtime/')))
    ? 'nuxt/runtime/chunks/[name].js'
    : 'chunks/[name].js'

/** Imports that the app's bundlers resolve: virtual modules, and this package's own entries. */
export const resolvedByNuxt = /^#|^vue-ai-transport(\/|$)/

const entryFiles = new Set(Object.values({ ...entries, ...nuxtRuntime }).map(here))

/** One chunk for each folder that several entries share, so that its code ships once. */
// NOTE: entries stay out of them, or importing `./local` would run the command line that shares its chunk
export const sharedChunks = ['core', 'codec', 'ably', 'local'].map((folder, index, { length }) => ({
  name: folder,
  test: (id: string) => id.startsWith(here(`src/${folder}/`)) && !entryFiles.has(id.replace(/\.d\.ts$/, '.ts')),
  priority: length - index,
  minShareCount: 2,
}))
