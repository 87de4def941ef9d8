import { describe, expect, it } from 'vitest'
import { findCycle, importsBelow, importsOf, type Import } from './import-graph'

interface Room {
  /** Folders below src that this one can import from, besides itself. */
  ours: string[]
  /** Packages it can import at run time. */
  packages: string[]
}

/** The layers of src, top to bottom: imports point down only. */
const house: Record<string, Room> = {
  index: { ours: ['composables', 'store', 'session', 'codec', 'ably', 'core'], packages: ['vue', 'pinia'] },
  composables: { ours: ['store', 'session', 'codec', 'ably', 'core'], packages: ['vue', 'pinia'] },
  store: { ours: ['session', 'codec', 'ably', 'core'], packages: ['vue', 'pinia'] },
  session: { ours: ['ably', 'core'], packages: [] },
  agent: { ours: ['codec', 'ably', 'core'], packages: [] },
  archive: { ours: ['core'], packages: [] },
  codec: { ours: ['core'], packages: [] },
  ably: { ours: ['core'], packages: [] },
  core: { ours: [], packages: [] },
  local: { ours: [], packages: ['node:', 'vite', 'ws', 'jose', '@msgpack/msgpack', 'ably'] },
  // NOTE: its runtime names the package's entries, so that an app has one copy of each
  nuxt: {
    ours: ['index', 'store', 'local'],
    packages: [
      'node:',
      '@nuxt/kit',
      '@nuxt/schema',
      'nuxt',
      'nitropack',
      'h3',
      'ably',
      '#imports',
      '#build',
      'vue-ai-transport',
    ],
  },
}

/** Passed in by users or optional, so only their types can be imported. */
const typesAnywhere = ['ably', 'ai']

describe('imports of src', () => {
  it('point down the layers only', () => {
    expect(importsBelow('src').flatMap(complaint)).toEqual([])
  })

  it.each(['src', 'playground', 'bench'])('form no circle in %s, types included', (folder) => {
    expect(findCycle(importsBelow(folder))).toBeUndefined()
  })
})

describe('the rules for imports', () => {
  const complaints = (file: string, code: string) => importsOf(file, code).flatMap(complaint)

  it.each([
    ['an import that points up', 'src/core/tree.ts', `import { useView } from '../composables/use-view'`],
    ['a type that points up', 'src/core/tree.ts', `import type { Entry } from '../store/lease'`],
    ['a type import in place', 'src/core/tree.ts', `type Entry = import('../store/lease').Entry`],
    ['a re-export that points up', 'src/ably/channel.ts', `export * from '../session/session'`],
    ['a lazy import that points up', 'src/session/session.ts', `const view = () => import('../store/session-store')`],
    ['any file of ours in local', 'src/local/endpoint.ts', `import { names } from '../core/wire'`],
    ['vue in a session', 'src/session/session.ts', `import { ref } from 'vue'`],
    ['a type of vue in core', 'src/core/tree.ts', `import type { Ref } from 'vue'`],
    ['ably at run time', 'src/ably/channel.ts', `import { Realtime } from 'ably'`],
    [
      'an import of ably whose names are all inline types',
      'src/ably/channel.ts',
      `import { type Realtime } from 'ably'`,
    ],
    ['node in the agent', 'src/agent/run.ts', `import { randomUUID } from 'node:crypto'`],
    ['the name of our own package', 'src/agent/run.ts', `import { codec } from 'vue-ai-transport/codec'`],
    ['the script of a component', 'src/agent/Run.vue', `<script setup lang="ts">import { ref } from 'vue'</script>`],
  ])('forbid %s', (_, file, code) => {
    expect(complaints(file, code)).toHaveLength(1)
  })

  it.each([
    ['types of ably', 'src/ably/channel.ts', `import type { RealtimeClient } from 'ably'`],
    ['an import of a lower layer', 'src/store/lease.ts', `import { connect } from '../session/session'`],
    ['an import within a folder', 'src/core/tree.ts', `import { log } from './log'`],
    ['node in local', 'src/local/endpoint.ts', `import { createServer } from 'node:http'`],
  ])('allow %s', (_, file, code) => {
    expect(complaints(file, code)).toEqual([])
  })

  it('report a circle', () => {
    const arrow = (file: string, target: string): Import => ({ file, target, typeOnly: false })
    expect(findCycle([arrow('a', 'b'), arrow('b', 'c'), arrow('c', 'b')])).toEqual(['b', 'c', 'b'])
    expect(findCycle([arrow('a', 'b'), arrow('a', 'c'), arrow('b', 'c')])).toBeUndefined()
  })
})

function complaint(each: Import): string[] {
  const room = house[roomOf(each.file)]
  if (!room) return [`${each.file} lies outside the house`]
  if (each.target.startsWith('src/')) {
    const allowed = [roomOf(each.file), ...room.ours].includes(roomOf(each.target))
    return allowed ? [] : [`${each.file} -> ${each.target}`]
  }
  const names = each.typeOnly ? [...room.packages, ...typesAnywhere] : room.packages
  const allowed = names.some(
    (name) => each.target === name || each.target.startsWith(name.replace(/:?$/, (end) => end || '/')),
  )
  return allowed ? [] : [`${each.file} -> ${each.target}${each.typeOnly ? ' (type)' : ''}`]
}

function roomOf(file: string): string {
  const [, folder, ...rest] = file.split('/')
  return rest.length > 0 ? (folder ?? '') : 'index'
}
