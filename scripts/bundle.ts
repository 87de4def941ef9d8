import { existsSync, readFileSync } from 'node:fs'
import { SourceMap } from 'node:module'
import { brotliCompressSync, constants } from 'node:zlib'
import { build } from 'vite'
import manifest from '../package.json' with { type: 'json' }
import { here } from './entries.ts'

/** The output of an app's bundler for some imports: one minified script. */
export interface Bundle {
  code: string
  map: SourceMap
}

const entry = 'virtual:entry'

/** Packages that an app installs itself. */
const apart = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies, react: '', 'react-dom': '' })

/** Bundles a module with this code as an app's production build does, without packages of the app, except `within`. */
export async function bundle(code: string, within?: string): Promise<Bundle> {
  const external = (id: string): boolean =>
    id.startsWith('node:') || apart.some((name) => name !== within && (id === name || id.startsWith(`${name}/`)))
  const built = await build({
    configFile: false,
    root: here('.'),
    logLevel: 'error',
    plugins: [
      {
        name: 'entry',
        resolveId: (id) => (id === entry ? id : undefined),
        load: (id) => (id === entry ? code : withMap(id)),
      },
    ],
    build: {
      write: false,
      sourcemap: true,
      target: 'es2023',
      modulePreload: false,
      rolldownOptions: { input: entry, external, preserveEntrySignatures: 'strict' },
    },
  })
  if (!('output' in built)) throw new Error('unable to bundle; vite did not build one output')
  const [script] = built.output
  return { code: script.code.replace(/\n\/\/# sourceMappingURL.*\s*$/, ''), map: new SourceMap(script.map as never) }
}

/** A built script with its source map, so that its code can be traced to `src`. */
function withMap(id: string): { code: string; map: string } | undefined {
  if (!id.startsWith(here('dist/')) || !existsSync(`${id}.map`)) return undefined
  return { code: readFileSync(id, 'utf8'), map: readFileSync(`${id}.map`, 'utf8') }
}

/** Bytes after brotli at its highest level. */
export const brotli = (code: string): number =>
  brotliCompressSync(code, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }).length

/** For each source: its pieces of the script, and the script without them. */
export function takenApart({ code, map }: Bundle): Map<string, { own: string; rest: string }> {
  const sources = sourcesOf(code, map)
  const without = (keep: (source: string) => boolean): string =>
    Array.from(code)
      .filter((_, at) => keep(sources[at]!))
      .join('')
  return new Map(
    Array.from(new Set(sources), (each) => [
      each,
      { own: without((source) => source === each), rest: without((source) => source !== each) },
    ]),
  )
}

/** The script without these sources, which are named from `src`. */
export function without({ code, map }: Bundle, names: readonly string[]): string {
  const sources = sourcesOf(code, map)
  const isKept = (source: string): boolean => !names.some((name) => source.endsWith(`/src/${name}`))
  return Array.from(code)
    .filter((_, at) => isKept(sources[at]!))
    .join('')
}

/** The source of each character. */
function sourcesOf(code: string, map: SourceMap): string[] {
  return code.split('\n').flatMap((text, line) =>
    Array.from(`${text}\n`, (_, column) => {
      const found = map.findEntry(line, column)
      return ('originalSource' in found && found.originalSource) || ''
    }),
  )
}
