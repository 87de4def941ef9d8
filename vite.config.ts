import { fileURLToPath } from 'node:url'
import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vitest/config'

const src = (path: string) => fileURLToPath(new URL(`src/${path}`, import.meta.url))

/** Every entry of package.json `exports`, by its file in dist. */
const entries = {
  index: src('index.ts'),
  'agent/index': src('agent/index.ts'),
  'codec/index': src('codec/index.ts'),
  'local/index': src('local/index.ts'),
  'local/vite': src('local/vite.ts'),
}

const external = (id: string) => /^(node:|(vue|pinia|ably|ai|vite|ws|jose|@msgpack\/msgpack)(\/|$))/.test(id)

const alias = [
  { find: /^vue-ai-transport$/, replacement: src('index.ts') },
  { find: /^vue-ai-transport\/local\/vite$/, replacement: src('local/vite.ts') },
  { find: /^vue-ai-transport\/(agent|codec|local)$/, replacement: src('$1/index.ts') },
]

export default defineConfig({
  plugins: [vue()],
  resolve: { alias },
  build: {
    target: 'es2023',
    minify: false,
    sourcemap: true,
    lib: { entry: entries, formats: ['es'] },
    rolldownOptions: { external },
  },
  test: {
    projects: [
      { extends: true, test: { name: 'unit', environment: 'node', include: ['test/**/*.spec.ts'], exclude: ['test/{integration,e2e,component}/**'] } },
      { extends: true, test: { name: 'component', environment: 'happy-dom', include: ['test/component/**/*.spec.ts'] } },
      { extends: true, test: { name: 'integration', environment: 'node', include: ['test/integration/**/*.spec.ts'], testTimeout: 20_000 } },
      { extends: true, test: { name: 'e2e', environment: 'node', include: ['test/e2e/**/*.spec.ts'], testTimeout: 60_000, fileParallelism: false } },
    ],
  },
})
