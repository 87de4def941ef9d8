import { chmodSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vitest/config'
import manifest from './package.json' with { type: 'json' }
import { chunkFileNames, entries, here, resolvedByNuxt, nuxtRuntime, sharedChunks } from './scripts/entries.ts'

const alias = [
  { find: /^vue-ai-transport$/, replacement: here('src/index.ts') },
  { find: /^vue-ai-transport\/local\/vite$/, replacement: here('src/local/vite.ts') },
  { find: /^vue-ai-transport\/nuxt$/, replacement: here('src/nuxt/module.ts') },
  { find: /^vue-ai-transport\/(agent|archive|codec|local)$/, replacement: here('src/$1/index.ts') },
]

/** Specs that need a browser, though they stand beside those that do not. */
const browserSpecs = ['test/contract/chromium.spec.ts', 'test/local/examples/browser.spec.ts']

const installed = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies })
const external = (id: string) =>
  id.startsWith('node:') ||
  resolvedByNuxt.test(id) ||
  installed.some((name) => id === name || id.startsWith(`${name}/`))

/** Ships the types of `virtual:local-ably`, which no entry imports. */
const virtualTypes = {
  name: 'virtual-types',
  apply: 'build' as const,
  generateBundle(this: { emitFile(file: { type: 'asset'; fileName: string; source: string }): unknown }) {
    const source = readFileSync(here('src/local/client.d.ts'), 'utf8')
    this.emitFile({ type: 'asset', fileName: 'local/client.d.ts', source })
  },
}

/** Lets the command be run from this folder too, where no package manager has made it executable. */
const executableCommand = {
  name: 'executable-command',
  apply: 'build' as const,
  writeBundle({ dir = '' }: { dir?: string }, bundle: object) {
    if ('local/cli.js' in bundle) chmodSync(`${dir}/local/cli.js`, 0o755)
  },
}

export default defineConfig({
  plugins: [vue(), virtualTypes, executableCommand],
  resolve: { alias },
  build: {
    target: 'es2023',
    minify: false,
    sourcemap: true,
    lib: { entry: { ...entries, ...nuxtRuntime }, formats: ['es'] },
    rolldownOptions: {
      external,
      // NOTE: names of the wire weigh less in place than as a table
      optimization: { inlineConst: { mode: 'all' } },
      output: { chunkFileNames, codeSplitting: { groups: sharedChunks } },
    },
  },
  test: {
    // NOTE: named, because vitest prints less of its own accord when it thinks that no human reads along
    reporters: ['default'],
    // NOTE: limits are generous: a busy machine makes tests slow, and no test measures time
    expect: { poll: { timeout: 120_000 } },
    testTimeout: 300_000,
    hookTimeout: 300_000,
    // NOTE: most tests wait for clients and servers rather than for the processor
    maxWorkers: Math.max(4, availableParallelism() - 1),
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          environment: 'node',
          include: ['test/**/*.spec.ts'],
          exclude: ['test/{component,examples,integration,interop,providers,e2e,stories,nuxt/e2e}/**', ...browserSpecs],
        },
      },
      {
        extends: true,
        test: {
          name: 'component',
          environment: 'happy-dom',
          include: ['test/component/**/*.spec.ts'],
        },
      },
      {
        extends: true,
        resolve: {
          alias: [
            { find: /^vue$/, replacement: here('node_modules/vue-oldest/dist/vue.esm-bundler.js') },
            {
              find: /^@vue\/test-utils$/,
              replacement: here('node_modules/@vue/test-utils/dist/vue-test-utils.esm-bundler.mjs'),
            },
          ],
        },
        test: {
          name: 'oldest-vue',
          environment: 'happy-dom',
          // NOTE: without those that render on a server, since the renderer brings the newest Vue
          include: ['test/component/{handles,page-life,places,streaming}.spec.ts'],
          // NOTE: packages that import vue have to get the same one
          server: { deps: { inline: [/pinia/, /vue-oldest/, /@vue\/test-utils/, /devtools/] } },
        },
      },
      {
        extends: true,
        test: {
          name: 'integration',
          environment: 'node',
          include: ['test/{integration,providers}/**/*.spec.ts'],
          globalSetup: ['test/support/agent-process/build.ts'],
          // NOTE: the cells of the provider matrix mostly wait
          maxConcurrency: 20,
        },
      },
      {
        extends: true,
        test: {
          name: 'interop',
          environment: 'node',
          include: ['test/interop/**/*.spec.ts'],
          globalSetup: ['test/support/agent-process/build.ts'],
        },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          environment: 'node',
          include: ['test/e2e/**/*.spec.ts', ...browserSpecs],
          globalSetup: ['test/e2e/build.ts'],
          // NOTE: files share the process, its browser and its server, whose starts are as much work as a few tests
          isolate: false,
          // NOTE: one more than there often are processors, because tests of pages wait for clocks and networks, too
          maxWorkers: 3,
        },
      },
      {
        extends: true,
        test: {
          name: 'stories',
          environment: 'node',
          include: ['test/stories/**/*.spec.ts'],
        },
      },
      {
        extends: true,
        test: {
          name: 'examples',
          environment: 'node',
          include: ['test/examples/*.spec.ts'],
          globalSetup: ['test/examples/install.ts'],
        },
      },
      {
        extends: true,
        test: {
          name: 'nuxt',
          environment: 'node',
          include: ['test/nuxt/e2e/**/*.spec.ts'],
          globalSetup: ['test/nuxt/e2e/build.ts'],
          maxWorkers: 2,
        },
      },
    ],
  },
})
