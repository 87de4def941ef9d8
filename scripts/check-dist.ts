import { readFileSync, readdirSync, existsSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { dirname, join, normalize, relative, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import ts from 'typescript'
import { resolvedByNuxt } from './entries.ts'
import manifest from '../package.json' with { type: 'json' }

/** Checks the built package as a user installs it, and prints the problems. */
const root = resolve(import.meta.dirname, '..')
const problems: string[] = []
/** Files that the Nuxt module names by their path. */
const nuxtRuntime = 'dist/nuxt/runtime/'

const files = readdirSync(join(root, 'dist'), { recursive: true, encoding: 'utf8' }).map((file) => join('dist', file))
const scripts = files.filter((file) => file.endsWith('.js'))
const read = (file: string) => readFileSync(join(root, file), 'utf8')

const modules = Object.values(manifest.exports).filter((target) => typeof target === 'object')
const targets = [...modules.flatMap(Object.values<string>), ...Object.values(manifest.bin)].map(normalize)

everyTargetIsBuilt()
everyEntryIsReachable()
importsAreInstalled()
neighboursExist()
nothingForeignIsBundled()
everySourceShipsOnce()
agentRunsAnywhere()
noPathOfThisMachine()
await entriesLoadInPlainNode()

for (const problem of problems) console.error(`dist: ${problem}`)
if (problems.length > 0) process.exitCode = 1
else console.log(`dist: ${scripts.length} scripts, ${targets.length} targets, all in order`)

function everyTargetIsBuilt() {
  for (const target of targets) {
    if (!existsSync(join(root, target))) problems.push(`package.json names ${target}, which was not built`)
  }
}

function everyEntryIsReachable() {
  for (const file of scripts) {
    if (!file.startsWith('dist/chunks/') && !file.startsWith(nuxtRuntime) && !targets.includes(file))
      problems.push(`${file} is built but unreachable`)
  }
}

function importsAreInstalled() {
  const installed = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies })
  for (const file of scripts) {
    for (const name of packagesOf(file)) {
      const known =
        (file.startsWith(nuxtRuntime) && resolvedByNuxt.test(name)) ||
        name.startsWith('node:') ||
        installed.some((each) => name === each || name.startsWith(`${each}/`))
      if (!known) problems.push(`${file} imports ${name}, which installing this package does not bring`)
      if (builtinModules.includes(name)) problems.push(`${file} imports ${name} without node:`)
    }
  }
}

function neighboursExist() {
  for (const file of files.filter((each) => /\.(js|d\.ts)$/.test(each))) {
    for (const name of importsOf(file).filter((each) => each.startsWith('.'))) {
      const script = join(dirname(file), name)
      const neighbour = file.endsWith('.d.ts') ? script.replace(/\.js$/, '.d.ts') : script
      if (!files.includes(neighbour)) problems.push(`${file} imports ${neighbour}, which was not built`)
    }
  }
}

function nothingForeignIsBundled() {
  for (const file of files.filter((each) => each.endsWith('.js.map'))) {
    for (const path of sourcesOf(file)) {
      if (!path.startsWith('src/')) problems.push(`${file} holds code of ${path}`)
    }
  }
}

/** Code of several entries is in a shared chunk. */
function everySourceShipsOnce() {
  const holders = Map.groupBy(
    files
      .filter((file) => file.endsWith('.js.map'))
      .flatMap((file) => sourcesOf(file).map((source) => ({ source, script: file.replace(/\.map$/, '') }))),
    ({ source }) => source,
  )
  for (const [source, held] of holders) {
    if (held.length > 1) problems.push(`${source} ships in ${held.map(({ script }) => script).join(' and in ')}`)
  }
}

/** An agent runs where there is neither Vue nor Node, such as on an edge runtime. */
function agentRunsAnywhere() {
  for (const file of reachedFrom('dist/agent/index.js')) {
    for (const name of packagesOf(file)) problems.push(`the agent entry reaches ${name} through ${file}`)
  }
}

function noPathOfThisMachine() {
  for (const file of files.filter((each) => /\.(js|ts|map)$/.test(each))) {
    if (read(file).includes(`${root}/`)) problems.push(`${file} contains the path of this checkout`)
  }
}

async function entriesLoadInPlainNode() {
  for (const target of modules.flatMap((module) => ('default' in module ? [module.default] : []))) {
    await import(pathToFileURL(join(root, target)).href).catch((error: unknown) => {
      problems.push(`${target} does not load: ${String(error)}`)
    })
  }
}

/** The files of this repository that a script was made of. */
function sourcesOf(map: string): string[] {
  const sources = (JSON.parse(read(map)).sources as string[]).filter((source) => !source.startsWith('\0'))
  return sources.map((source) => relative(root, resolve(root, dirname(map), source)))
}

function importsOf(file: string): string[] {
  return ts.preProcessFile(read(file)).importedFiles.map((imported) => imported.fileName)
}

function packagesOf(file: string): string[] {
  return importsOf(file).filter((name) => !name.startsWith('.'))
}

function reachedFrom(file: string, reached = new Set<string>()): Set<string> {
  if (reached.has(file) || !existsSync(join(root, file))) return reached
  reached.add(file)
  for (const name of importsOf(file)) {
    if (name.startsWith('.')) reachedFrom(join(dirname(file), name), reached)
  }
  return reached
}
