/** What the agent writes for a prompt; the prompt says how much, so that every process knows the whole text. */
export interface Script {
  readonly words: number
  /** Whether the agent calls a tool of the client halfway. */
  readonly hasTool: boolean
  /** Milliseconds between two words. */
  readonly pause: number
}

export const promptFor = ({ words, hasTool, pause }: Script, label: string): string =>
  `${label} words=${words} pause=${pause} tool=${hasTool}`

export function scriptOf(prompt: string): Script {
  const value = (name: string): string => new RegExp(`${name}=(\\w+)`).exec(prompt)?.[1] ?? ''
  return { words: Number(value('words')), pause: Number(value('pause')), hasTool: value('tool') === 'true' }
}

/** The words before the tool's result, or after it. */
export function wordsOf({ words, hasTool }: Script, isAfter: boolean): string[] {
  const all = Array.from({ length: words }, (_, index) => `w${index} `)
  const half = hasTool ? Math.floor(words / 2) : words
  return isAfter ? all.slice(half) : all.slice(0, half)
}

export const textFor = (script: Script): string =>
  [...wordsOf(script, false), ...(script.hasTool ? wordsOf(script, true) : [])].join('')
