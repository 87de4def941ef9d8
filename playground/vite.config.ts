import vue from '@vitejs/plugin-vue'
import { defineConfig, loadEnv, runnerImport } from 'vite'
import { here } from '../scripts/entries.ts'

/** Loads the library from its sources, so that edits apply at once. */
const alias = [
  { find: /^vue-ai-transport$/, replacement: here('src/index.ts') },
  { find: /^vue-ai-transport\/local\/vite$/, replacement: here('src/local/vite.ts') },
  { find: /^vue-ai-transport\/(agent|codec|local)$/, replacement: here('src/$1/index.ts') },
]

// NOTE: prepared at the start, because a dependency that is found later reloads the page
const languages = 'bash css go html javascript json python rust sql typescript vue yaml'.split(' ')

/** The connection of `--mode ably`: Ably itself, with the key in `ABLY_API_KEY`. */
async function loadOwnAbly(mode: string) {
  const key = loadEnv(mode, here('playground'), 'ABLY_').ABLY_API_KEY
  if (!key) throw new Error('unable to use Ably; set ABLY_API_KEY to a key of your Ably app')
  const { module } = await runnerImport<typeof import('./server/own-ably')>(here('playground/server/own-ably.ts'), {
    resolve: { alias },
  })
  return module.ownAbly(key)
}

export default defineConfig(async ({ mode }) => {
  // NOTE: in your own app this is `import { localAbly } from 'vue-ai-transport/local/vite'`
  const { module: local } = await runnerImport<typeof import('../src/local/vite')>(here('src/local/vite.ts'))
  const { module: server } = await runnerImport<typeof import('./server/plugin')>(here('playground/server/plugin.ts'))
  const ably = local.localAbly()
  const own = mode === 'ably' ? await loadOwnAbly(mode) : undefined
  return {
    root: here('playground'),
    plugins: [vue(), own, ably, server.playgroundServer({ ...ably, ...own })],
    resolve: { alias },
    optimizeDeps: {
      include: [
        'vue',
        'pinia',
        'ably',
        'markdown-it',
        'dompurify',
        '@lucide/vue',
        'katex',
        'uqr',
        'shiki/core',
        'shiki/engine/javascript',
        ...languages.map((name) => `shiki/langs/${name}.mjs`),
      ],
    },
    server: { fs: { allow: [here('.')] } },
  }
})
