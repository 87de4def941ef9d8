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
} as const

/** The path of a file or folder of this repository. */
export const here = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url))

const entryFiles = new Set(Object.values(entries).map(here))

/** One chunk for each folder that several entries share, so that its code ships once. */
// NOTE: entries stay out of them, or importing `./local` would run the command line that shares its chunk
export const sharedChunks = ['core', 'codec', 'ably', 'local'].map((folder, index, { length }) => ({
  name: folder,
  test: (id: string) => id.startsWith(here(`src/${folder}/`)) && !entryFiles.has(id.replace(/\.d\.ts$/, '.ts')),
  priority: length - index,
  minShareCount: 2,
}))
