import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { here } from './entries.ts'

/**
 * Generates the pages of the documentation that come from other files: the API by entry from the docstrings, the first
 * page of the guide from the README, and `llms.txt` with `llms-full.txt` from all pages. Then it runs VitePress with the
 * given command, `dev` or `build`.
 */
const modules: Record<string, string> = {
  index: 'vue-ai-transport',
  agent: 'vue-ai-transport/agent',
  archive: 'vue-ai-transport/archive',
  codec: 'vue-ai-transport/codec',
  local: 'vue-ai-transport/local',
  'local/vite': 'vue-ai-transport/local/vite',
}

rmSync(here('docs/api'), { recursive: true, force: true })
const sources = Object.keys(modules).map((name) =>
  /^(index|local\/vite)$/.test(name) ? `src/${name}.ts` : `src/${name}/index.ts`,
)
const look =
  '--plugin typedoc-plugin-markdown --readme none --router module --hidePageHeader --hideBreadcrumbs --useCodeBlocks --parametersFormat table --interfacePropertiesFormat table --typeDeclarationFormat table --propertyMembersFormat table --tableColumnSettings.hideInherited --tableColumnSettings.hideModifiers --groupOrder Functions --groupOrder Variables --groupOrder Interfaces --groupOrder *'
const filter =
  '--excludeExternals --excludeInternal --excludePrivate --excludeProtected --disableSources --skipErrorChecking'
const flagsOfTypedoc = `--out docs/api --name API --logLevel Error ${look} ${filter}`.split(' ')
run('typedoc', ['--entryPoints', ...sources, ...flagsOfTypedoc])

rmSync(here('docs/api/README.md'))
for (const [name, entry] of Object.entries(modules)) {
  const page = here(`docs/api/${name}.md`)
  writeFileSync(page, readFileSync(page, 'utf8').replace(/^# .*$/m, `# ${entry}`))
}

writeFileSync(here('docs/get-started.md'), guideFrom(readFileSync(here('README.md'), 'utf8')))

const pages = readdirSync(here('docs')).filter((file) => file.endsWith('.md') && file !== 'index.md')
const texts = pages.map((file) => ({ file, text: readFileSync(here(`docs/${file}`), 'utf8') }))
mkdirSync(here('docs/public'), { recursive: true })
copyFileSync(here('playground/public/favicon.svg'), here('docs/public/logo.svg'))
const titleOf = (text: string) => /^# (.*)$/m.exec(text)?.[1] ?? ''
const index = texts.map(({ file, text }) => `- [${titleOf(text)}](/${file.replace('.md', '')})`)
writeFileSync(
  here('docs/public/llms.txt'),
  `# vue-ai-transport\n\n> AI sessions for Vue that users can interrupt.\n\n${index.join('\n')}\n`,
)
writeFileSync(here('docs/public/llms-full.txt'), texts.map(({ text }) => text).join('\n\n'))

const [command = 'build', ...flags] = process.argv.slice(2)
run('vitepress', [command, 'docs', ...flags])

/** The README's two apps as a page. */
function guideFrom(readme: string): string {
  const [, apps = ''] = /(## In a Vite app\n[^]*?)\n## More\n/.exec(readme) ?? []
  const more = 'A page without a bundler: [start without a build step](./no-build.md).'
  return `# Get started\n\n${apps.replaceAll('](docs/', '](./')}\n\n${more}\n`
}

function run(name: string, args: readonly string[]): void {
  const { status } = spawnSync(here(`node_modules/.bin/${name}`), args, { cwd: here('.'), stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}
