import { spawnSync } from 'node:child_process'
import { check } from './report.ts'

// NOTE: set before any import loads Vue and Pinia, whose development builds are several times slower
process.env.NODE_ENV = 'production'
const { sections } = await import('./sections.ts')

// `npm run bench` measures everything, `npm run bench -- tokens heap` some of it
const names = process.argv.slice(2)
const known = Object.keys(sections)
const unknown = names.find((name) => !known.includes(name))
if (unknown !== undefined) throw new Error(`there is no "${unknown}"; try ${known.join(', ')}`)
const chosen = known.filter((name) => names.length === 0 || names.includes(name))
const [only] = chosen

/** Measures one section in a process of its own: code that has run for another one is optimized for that. */
function measureAlone(name: string): boolean {
  const { status } = spawnSync(process.execPath, [...process.execArgv, import.meta.filename, name], {
    stdio: 'inherit',
  })
  return status === 0
}

const isReached = chosen.length === 1 ? check(await sections[only!]!()) : chosen.map(measureAlone).every(Boolean)
process.exitCode = isReached ? 0 : 1
