import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }
import { entries } from '../../scripts/entries'
import { stages } from '../../scripts/test'
import { version } from '../../src/core/wire'
import { root } from './import-graph'

const modules = Object.values(manifest.exports).filter((target) => typeof target === 'object' && 'default' in target)
const commands = Object.values(manifest.bin)

describe('package.json', () => {
  it('names exactly the entries that are built', () => {
    const built = Object.keys(entries).map((name) => `./dist/${name}.js`)
    expect([...modules.map((target) => target.default), ...commands].toSorted()).toEqual(built.toSorted())
  })

  it('lists the declarations of an entry with it, and first', () => {
    for (const target of modules) {
      expect(Object.keys(target)).toEqual(['types', 'default'])
      expect(target.types).toBe(target.default.replace(/\.js$/, '.d.ts'))
    }
  })

  it('has the version that the library announces on the channel', () => {
    expect(version).toBe(manifest.version)
  })

  it('publishes nothing but the build, the docs and the examples', () => {
    expect(manifest.files).toEqual([
      'dist',
      'docs/*.md',
      'docs/images',
      'examples',
      'CHANGELOG.md',
      'CONTRIBUTING.md',
      'UPGRADING.md',
    ])
    const published = JSON.stringify([manifest.exports, manifest.bin])
    expect(published).not.toMatch(/\.\/(src|test|playground|scripts|bench)\//)
  })

  it('names no address, since the project has none yet', () => {
    expect(Object.keys(manifest).filter((key) => ['homepage', 'repository', 'bugs'].includes(key))).toEqual([])
  })

  it('runs every check and test with `npm test`, each after the stages that it needs', () => {
    const others = ['dev', 'story:dev', 'format', 'docs:dev', 'bench', 'soak', 'test']
    const scripts = Object.keys(manifest.scripts).filter((name) => !others.includes(name))
    expect(Object.keys(stages).toSorted()).toEqual(scripts.toSorted())
    const names = Object.keys(stages)
    for (const [name, before] of Object.entries(stages)) {
      expect(before.filter((each) => names.indexOf(each) === -1 || names.indexOf(each) > names.indexOf(name))).toEqual(
        [],
      )
    }
  })

  it('runs nothing on install', () => {
    const hooks = ['preinstall', 'install', 'postinstall', 'prepare', 'prepublish']
    expect(Object.keys(manifest.scripts).filter((name) => hooks.includes(name))).toEqual([])
  })

  // NOTE: npm has no peers for a single entry; an agent installs vue and pinia, too, and never imports them
  it('requires the peers that its main entry imports, and declares the others optional', () => {
    const required = ['ably', 'pinia', 'vue']
    expect(Object.keys(manifest.peerDependenciesMeta)).toEqual(
      Object.keys(manifest.peerDependencies).filter((name) => !required.includes(name)),
    )
  })
})

describe('entries', () => {
  it('have a source', () => {
    expect(Object.values(entries).filter((path) => !existsSync(join(root, path)))).toEqual([])
  })

  it('of commands start with a shebang', () => {
    for (const command of commands) {
      const source = entries[command.replace(/^\.\/dist\/|\.js$/g, '') as keyof typeof entries]
      expect(readFileSync(join(root, source), 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/)
    }
  })
})

describe('Node', () => {
  it('runs these tests in version 22 or newer', () => {
    expect(Number.parseInt(process.versions.node, 10)).toBeGreaterThanOrEqual(22)
  })
})
