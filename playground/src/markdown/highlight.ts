import type { GrammarState, HighlighterCore } from 'shiki/core'
import type { Language } from './languages'
import type { HighlightLine } from './code-lines'

let highlighter: Promise<HighlighterCore> | undefined

async function createHighlighter(): Promise<HighlighterCore> {
  const [{ createCssVariablesTheme, createHighlighterCore }, { createJavaScriptRegexEngine }] = await Promise.all([
    import('shiki/core'),
    import('shiki/engine/javascript'),
  ])
  return createHighlighterCore({
    themes: [createCssVariablesTheme({ name: theme, variablePrefix: '--code-' })],
    engine: createJavaScriptRegexEngine({ forgiving: true }),
  })
}

const theme = 'playground'
/** A longer line keeps one colour: reading it again for each token would take too long. */
const longestLine = 2000

/** Loads the highlighter and a language, and returns a function that highlights line by line. */
export async function loadHighlighter(language: Language): Promise<HighlightLine> {
  const [core, { loadLanguage }] = await Promise.all([(highlighter ??= createHighlighter()), import('./languages')])
  await core.loadLanguage((await loadLanguage(language)).default)
  return (text, before) => {
    const lines = core.codeToTokensBase(text, {
      lang: language,
      theme,
      tokenizeMaxLineLength: longestLine,
      // NOTE: without a limit, since a line that a busy machine reads slowly would stay without colours
      tokenizeTimeLimit: 0,
      grammarState: before as GrammarState | undefined,
    })
    const tokens = lines[0] ?? []
    return { tokens: tokens.map(({ content, color }) => ({ content, color })), state: core.getLastGrammarState(lines) }
  }
}
