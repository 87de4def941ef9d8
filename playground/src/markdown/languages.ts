import type { LanguageInput } from 'shiki/core'

type Load = () => Promise<{ readonly default: LanguageInput }>

/** The languages with highlighting. Each is loaded with its first code block. */
const languages = {
  bash: () => import('shiki/langs/bash.mjs'),
  css: () => import('shiki/langs/css.mjs'),
  go: () => import('shiki/langs/go.mjs'),
  html: () => import('shiki/langs/html.mjs'),
  javascript: () => import('shiki/langs/javascript.mjs'),
  json: () => import('shiki/langs/json.mjs'),
  python: () => import('shiki/langs/python.mjs'),
  rust: () => import('shiki/langs/rust.mjs'),
  sql: () => import('shiki/langs/sql.mjs'),
  typescript: () => import('shiki/langs/typescript.mjs'),
  vue: () => import('shiki/langs/vue.mjs'),
  yaml: () => import('shiki/langs/yaml.mjs'),
} satisfies Record<string, Load>

export type Language = keyof typeof languages

const aliases: Readonly<Record<string, Language>> = {
  cjs: 'javascript',
  js: 'javascript',
  jsx: 'javascript',
  mjs: 'javascript',
  py: 'python',
  rs: 'rust',
  sh: 'bash',
  shell: 'bash',
  ts: 'typescript',
  tsx: 'typescript',
  yml: 'yaml',
}

/** The language that a code block names; undefined for text and for unknown languages. */
export function languageOf(name: string): Language | undefined {
  const lower = name.toLowerCase()
  return Object.hasOwn(languages, lower) ? (lower as Language) : aliases[lower]
}

const labels: Readonly<Partial<Record<Language, string>>> = {
  css: 'CSS',
  html: 'HTML',
  javascript: 'JavaScript',
  json: 'JSON',
  sql: 'SQL',
  typescript: 'TypeScript',
  yaml: 'YAML',
}

/** The name of a language for readers: "TypeScript" for `ts`. An unknown name stays as it is. */
export function labelOf(name: string): string {
  const language = languageOf(name)
  if (language) return labels[language] ?? language[0]!.toUpperCase() + language.slice(1)
  return name === '' || name === 'text' ? 'Text' : name
}

export const loadLanguage = (language: Language) => languages[language]()
