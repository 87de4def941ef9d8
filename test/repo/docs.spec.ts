import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import { compileTemplate, parse } from 'vue/compiler-sfc'
import { here } from '../../scripts/entries'

/** Pages that `scripts/docs.ts` generates. */
const generated = /^docs\/(api|get-started)/

const pages = [
  'README.md',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  'UPGRADING.md',
  ...readdirSync(here('docs'))
    .filter((file) => file.endsWith('.md'))
    .map((file) => `docs/${file}`),
].filter((page) => !generated.test(page))

const read = (page: string): string => readFileSync(here(page), 'utf8')
const withoutCode = (text: string): string => text.replaceAll(/```[^]*?```/g, '').replaceAll(/`[^`\n]*`/g, '')

/** The anchor of a heading, as GitHub and VitePress make it. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[`*_]/g, '')
    .replaceAll(/[^\p{L}\p{N} -]/gu, '')
    .trim()
    .replaceAll(' ', '-')

const anchorsOf = (text: string): string[] =>
  Array.from(text.replaceAll(/```[^]*?```/g, '').matchAll(/^#+ (.*)$/gm), ([, heading]) => anchorOf(heading!))

describe.each(pages)('%s', (page) => {
  const text = read(page)

  it('links to files and headings that exist', () => {
    const links = [...withoutCode(text).matchAll(/\]\(([^)\s]+)\)|(?:src|srcset)="([^"]+)"/g)].map(
      ([, a, b]) => a ?? b!,
    )
    const dead = links.filter((link) => {
      if (/^https?:/.test(link)) return false
      const [path = '', anchor] = link.split('#')
      const target = path === '' ? page : relative(here('.'), join(here(dirname(page)), path))
      if (generated.test(target)) return false
      if (!existsSync(here(target))) return true
      // NOTE: the fragment of a picture names a theme, as on GitHub
      return anchor !== undefined && target.endsWith('.md') && !anchorsOf(read(target)).includes(anchor)
    })
    expect(dead).toEqual([])
  })
})

/** The blocks of one language of all pages, by a name. */
const blocksOf = (language: string): [name: string, code: string][] =>
  pages
    .filter((page) => page !== 'CHANGELOG.md')
    .flatMap((page) => {
      const blocks = read(page).matchAll(new RegExp(`\`\`\`${language}\\n([^]*?)\`\`\``, 'g'))
      const nameOf = (index: number): string => `${page.replaceAll(/\W/g, '-')}-${language}-${index}`
      return Array.from(blocks, ([, code], index): [string, string] => [nameOf(index), code!])
    })

const components = blocksOf('vue').map(([name, code]) => ({ name, ...parse(code) }))

/** The TypeScript of all pages, as modules beside the tests. */
const snippets = new Map(
  [
    ...blocksOf('ts'),
    ...components.flatMap(({ name, descriptor: { scriptSetup } }) =>
      scriptSetup ? [[name, scriptSetup.content] as const] : [],
    ),
  ].map(([name, code]) => [here(`test/types/${name}.ts`), `${code}\nexport {}\n`]),
)

// NOTE: a snippet leaves out what an app has: names and modules that are not declared are not faults
const undeclared = new Set([2304, 2307, 2503, 2552, 2582, 2593, 1108, 18004, 7006, 7031, 2688, 1375, 1378])

it('the TypeScript of every block of the docs type-checks', () => {
  const { config } = ts.readConfigFile(here('tsconfig.json'), ts.sys.readFile) as { config: object }
  const { options } = ts.parseJsonConfigFileContent(
    { ...config, include: [], files: ['src/index.ts'] },
    ts.sys,
    here('.'),
  )
  const host = ts.createCompilerHost(options)
  const { readFile, fileExists, getSourceFile } = host
  host.readFile = (file) => snippets.get(file) ?? readFile(file)
  host.fileExists = (file) => snippets.has(file) || fileExists(file)
  host.getSourceFile = (file, ...rest) => {
    const code = snippets.get(file)
    return code === undefined ? getSourceFile(file, ...rest) : ts.createSourceFile(file, code, ts.ScriptTarget.ES2024)
  }
  const program = ts.createProgram(
    [...snippets.keys(), here('src/local/client.d.ts')],
    { ...options, noUnusedLocals: false, noUnusedParameters: false },
    host,
  )
  const faults = [...snippets.keys()].flatMap((file) => {
    const source = program.getSourceFile(file)
    const all = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)]
    return all
      .filter(({ code }) => !undeclared.has(code))
      .map(
        ({ code, messageText }) =>
          `${relative(here('test/types'), file)}: ${code} ${ts.flattenDiagnosticMessageText(messageText, ' ')}`,
      )
  })
  expect(snippets.size).toBeGreaterThan(20)
  expect(faults).toEqual([])
})

it.each(components)('the component $name compiles', ({ name, errors, descriptor }) => {
  expect(errors).toEqual([])
  expect(compileTemplate({ id: name, filename: name, source: descriptor.template!.content }).errors).toEqual([])
})

it('every function and component that an entry exports is in the docs', async () => {
  const all = pages
    .filter((page) => page !== 'CHANGELOG.md')
    .map(read)
    .join('\n')
  const entries = ['vue-ai-transport', 'vue-ai-transport/agent', 'vue-ai-transport/archive', 'vue-ai-transport/codec', 'vue-ai-transport/local', 'vue-ai-transport/local/vite'] // prettier-ignore
  const names = await Promise.all(
    entries.map(async (entry) => Object.keys((await import(/* @vite-ignore */ entry)) as object)),
  )
  expect([...new Set(names.flat())].filter((name) => !new RegExp(`\\b${name}\\b`).test(all))).toEqual([])
})

it('the Nuxt page has the same files as the README, which a test runs', () => {
  const filesIn = (text: string): string[] =>
    Array.from(text.matchAll(/```(?:ts|vue)\n(?:\/\/|<!--) \S+\.\w+(?: -->)?\n[^]*?```/g), ([block]) => block)
  const files = filesIn(read('README.md').split('## In a Nuxt app')[1]!)
  expect(files).toHaveLength(3)
  expect(filesIn(read('docs/nuxt.md').split('## With users')[0]!)).toEqual(files)
})
