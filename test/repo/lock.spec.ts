import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { root } from './import-graph'

type Packages = Record<string, { optionalDependencies?: Record<string, string>; resolved?: string }>

const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as { packages: Packages }

describe('package-lock.json', () => {
  // NOTE: `npm install` skips a platform's binary that the registry lacks, and the next `npm ci` refuses the
  // lock
  it('contains every optional dependency', () => {
    expect(missingOptional(packages)).toEqual([])
  })

  it('names no registry other than npm', () => {
    const hosts = Object.values(packages).flatMap(({ resolved }) => (resolved ? new URL(resolved).host : []))
    expect(hosts.filter((host) => host !== 'registry.npmjs.org')).toEqual([])
  })
})

describe('the search for missing dependencies', () => {
  const tool = { optionalDependencies: { 'tool-linux': '1' } }

  it('looks beside the package and in every folder above it', () => {
    expect(missingOptional({ 'node_modules/tool': tool, 'node_modules/tool-linux': {} })).toEqual([])
    expect(missingOptional({ 'node_modules/a/node_modules/tool': tool, 'node_modules/tool-linux': {} })).toEqual([])
    expect(missingOptional({ 'node_modules/tool': tool, 'node_modules/tool/node_modules/tool-linux': {} })).toEqual([])
  })

  it('does not look inside unrelated packages', () => {
    const packages = { 'node_modules/tool': tool, 'node_modules/a/node_modules/tool-linux': {} }
    expect(missingOptional(packages)).toEqual(['tool-linux of node_modules/tool'])
  })
})

function missingOptional(all: Packages): string[] {
  return Object.entries(all).flatMap(([place, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies)
      .filter((name) => !foldersAbove(place).some((folder) => `${folder}node_modules/${name}` in all))
      .map((name) => `${name} of ${place}`),
  )
}

/** Where Node would look for a dependency of the package at `place`, each as a prefix of `node_modules/`. */
function foldersAbove(place: string): string[] {
  if (place === '') return ['']
  const parent = place.slice(0, Math.max(place.lastIndexOf('node_modules/'), 0))
  return [`${place}/`, ...foldersAbove(parent.replace(/\/$/, ''))]
}
