import { check, type Requirement } from './report.ts'

// NOTE: set before any import loads Vue and Pinia, whose development builds are several times slower
process.env.NODE_ENV = 'production'
const { sections } = await import('./sections.ts')

// `npm run bench` measures everything, `npm run bench -- tokens heap` some of it
const names = process.argv.slice(2)
const requirements: Requirement[] = []
const known = Object.keys(sections)
const unknown = names.find((name) => !known.includes(name))
if (unknown !== undefined) throw new Error(`there is no "${unknown}"; try ${known.join(', ')}`)
for (const name of known) {
  if (names.length === 0 || names.includes(name)) requirements.push(...(await sections[name]!()))
}
process.exitCode = check(requirements) ? 0 : 1
