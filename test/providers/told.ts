import type { Line, Provider } from './dialect'
import type { State } from './states'

/** A line as the table says it. */
export function say(line: Line): string {
  if (line.role === 'user') return `user: ${line.text}`
  if (line.role === 'tool') return `${line.tool}: ${line.output}`
  const calls = line.calls.length > 0 ? `calls ${line.calls.join(', ')}` : ''
  return `assistant: ${line.hasThoughts ? '(thought) ' : ''}${line.text}${calls}`
}

/** The conversation as it reaches a provider: thoughts of a step that was cut short are lost where they are stored. */
export const toldTo = ({ thoughts, hasItems }: Provider, told: readonly string[]): string[] =>
  told.map((line) =>
    line
      .replace('(own thought) ', thoughts === 'sent' ? '(thought) ' : '')
      .replace('(thought) ', thoughts === 'none' ? '' : '(thought) ')
      .replace('\n\n', hasItems ? '' : '\n\n'),
  )

/** The table of the documentation. */
export function tableOf(states: readonly State[]): string {
  const rows = states.map(({ name, told, needs }) => {
    const lines = told.map((line) =>
      line
        .replace(/\((own )?thought\) /, '')
        .replace('\n\n', '')
        .trim()
        .replaceAll('|', '\\|'),
    )
    return `| ${name}${needs ? ' \\*' : ''} | ${lines.map((line) => `\`${line}\``).join('<br>')} |`
  })
  return ['| the previous answer ... | the model gets, before the next prompt |', '| --- | --- |', ...rows].join('\n')
}

/** What each provider cannot be brought into. */
export const exceptionsOf = (all: readonly Provider[]): string =>
  all
    .map(({ name, lacks }) => {
      const reasons = Object.values(lacks)
      return `- ${name}${reasons.length > 0 ? `: ${reasons.join('; ')}` : ''}`
    })
    .join('\n')
