import { registerHooks } from 'node:module'

/** Languages that a story's code block may use. */
const languages = ['vue', 'ts', 'js', 'json', 'bash', 'html']

// NOTE: Histoire first loads all languages of shiki, which takes most of a minute on a small
// machine. Its markdown module gets a shiki that knows a few.
const fewLanguages = (shiki) => `
  import { bundledLanguages as all, createHighlighter } from ${JSON.stringify(shiki)}
  export { createHighlighter }
  export const bundledLanguages = Object.fromEntries(${JSON.stringify(languages)}.map((name) => [name, all[name]]))
`

registerHooks({
  resolve(specifier, context, next) {
    const found = next(specifier, context)
    const wanted = specifier === 'shiki' && context.parentURL?.endsWith('/histoire/dist/node/markdown.js')
    if (!wanted) return found
    return { url: `data:text/javascript,${encodeURIComponent(fewLanguages(found.url))}`, shortCircuit: true }
  },
})

await import('../node_modules/histoire/bin.mjs')
