import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { inject } from 'vitest'
import { here } from '../../scripts/entries'
import { run } from '../support/command'
import { linkPackages } from '../support/install'
import { filesOf, start } from './visit'

/** The files of the README. */
export const readme = filesOf(readFileSync(here('README.md'), 'utf8'))

/** Those of its Vite app. */
export const viteFiles = ['vite.config.ts', 'server/agent.ts', 'src/main.ts', 'src/App.vue'].map(
  (path): [string, string] => [path, readme.get(path)!],
)

/** Makes an app of files and of the packages that the Vite example has. */
export function makeApp(name: string, files: Iterable<[path: string, text: string]>): string {
  const examples = inject('examples')
  const folder = join(examples, name)
  mkdirSync(folder)
  for (const file of ['index.html', 'package.json', 'tsconfig.json'])
    cpSync(join(examples, 'vite', file), join(folder, file))
  linkPackages(join(examples, 'vite/node_modules'), join(folder, 'node_modules'))
  for (const [path, text] of files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  return folder
}

/** Starts Vite in the folder of an app, and returns the address of its page. */
export const vite = (cwd: string, ...args: string[]): Promise<string> =>
  start(
    cwd,
    ['node_modules/vite/bin/vite.js', ...args, '--port', '0', '--host', '127.0.0.1'],
    {},
    /(http:\/\/127\.0\.0\.1:\d+)/,
  )

/** Checks the types of an app. */
export const checkTypes = (folder: string): Promise<unknown> =>
  run(folder, process.execPath, here('node_modules/vue-tsc/bin/vue-tsc.js'), '--noEmit')

/** Replaces the text that a pattern matches, which has to be there. */
export function replaceIn(text: string, pattern: RegExp, by: string): string {
  if (!pattern.test(text)) throw new Error(`there is no ${String(pattern)} in:\n${text}`)
  return text.replace(pattern, by)
}

/** The same in a file. */
export const edit = (folder: string, path: string, pattern: RegExp, by: string): void =>
  writeFileSync(join(folder, path), replaceIn(readFileSync(join(folder, path), 'utf8'), pattern, by))
