import { check, type Requirement } from './report.ts'

// NOTE: set before anything loads Vue and Pinia, whose development builds are several times slower
process.env.NODE_ENV = 'production'
const { sections } = await import('./sections.ts')

// `npm run bench` measures everything, `npm run bench -- tokens heap` some of it
const names = process.argv.slice(2)
const requirements: Requirement[] = []
for (const name of names.length > 0 ? names : Object.keys(sections)) {
  const section = sections[name]
  if (!section) throw new Error(`there is no "${name}"; try ${Object.keys(sections).join(', ')}`)
  requirements.push(...(await section()))
}
process.exitCode = check(requirements) ? 0 : 1
