import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }
import { root } from './import-graph'

const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
  packages: Record<string, { version?: string }>
}
const page = (name: string): string => readFileSync(join(root, 'docs', name), 'utf8')
const installed = (name: string): string => `\`${name}\` ${packages[`node_modules/${name}`]?.version}`
const words = (text: string): string => text.replaceAll(/\s+/g, ' ')

it('the docs names the versions that the interop tests run with', () => {
  const section = page('compatibility.md')
  const [ably, ai, peer] = ['ably', 'ai', '@ably/ai-transport'].map(installed)
  expect(words(section)).toContain(`Tested with ${peer}, ${ai} and ${ably}`)
})

it('the docs names no other version of the peer', () => {
  const [, version] = installed('@ably/ai-transport').split(' ')
  const pages = page('compatibility.md') + page('benchmarks.md')
  const named = [...pages.matchAll(/@ably\/ai-transport` (\d[\d.]*\d)/g)].map(([, each]) => each!)
  expect(named.length).toBeGreaterThan(1)
  expect(named.filter((each) => each !== version && !version!.startsWith(`${each}.`))).toEqual([])
})

it('the oldest Vue that component tests run with is the oldest that the package accepts', () => {
  expect(packages['node_modules/vue-oldest']?.version).toBe(manifest.peerDependencies.vue.replace('^', ''))
})
