import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { here } from '../../scripts/entries'
import { run } from './command'

interface Manifest {
  dependencies: Record<string, string>
  devDependencies?: Record<string, string>
}

/** Packs this package as for a release, and returns the path of the tarball. */
export async function pack(into: string): Promise<string> {
  if (!existsSync(here('dist/index.js'))) throw new Error('unable to pack; run `npm run build` first')
  const file = await run(here('.'), 'npm', 'pack', '--silent', '--pack-destination', into)
  return join(into, file.trim())
}

/**
 * Copies an example, and installs it with the packed package. All other packages have the versions of this repository, so
 * that a release of one of them changes no result.
 *
 * @param more - packages that a guide adds to the example, with their versions
 */
export async function installExample(
  name: string,
  folder: string,
  tarball: string,
  more: Readonly<Record<string, string>> = {},
): Promise<void> {
  cpSync(here(`examples/${name}`), folder, { recursive: true, filter: (file) => !file.includes('node_modules') })
  const manifest = readJson(join(folder, 'package.json')) as Manifest
  const dependencies = { ...manifest.dependencies, ...more, 'vue-ai-transport': `file:${tarball}` }
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ ...manifest, dependencies }))
  const lock = readJson(here('package-lock.json')) as { packages: Record<string, object> }
  lock.packages[''] = { dependencies, devDependencies: manifest.devDependencies }
  writeFileSync(join(folder, 'package-lock.json'), JSON.stringify(lock))
  await run(folder, 'npm', 'install', '--prefer-offline', '--no-audit', '--no-fund')
}

/**
 * Gives an app the packages of another one. Vite writes what it has prepared into the folder of the packages, so an app
 * that runs beside the other one needs a folder of its own.
 */
export function linkPackages(from: string, to: string): void {
  mkdirSync(to)
  const names = readdirSync(from).filter((name) => name === '.bin' || !name.startsWith('.'))
  for (const name of names) symlinkSync(join(from, name), join(to, name))
}

const readJson = (file: string): unknown => JSON.parse(readFileSync(file, 'utf8'))
