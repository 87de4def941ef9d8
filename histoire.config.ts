import { HstVue } from '@histoire/plugin-vue'
import { defineConfig } from 'histoire'

export default defineConfig({
  plugins: [HstVue()],
  setupFile: './histoire.setup.ts',
  storyMatch: ['playground/**/*.story.vue'],
  outDir: '.histoire/dist',
  build: { excludeFromVendorsChunk: [/shiki/] },
  vite: {
    publicDir: 'playground/public',
    optimizeDeps: { include: ['pinia', '@histoire/plugin-vue'] },
    logLevel: 'warn',
    build: {
      sourcemap: false,
      reportCompressedSize: false,
      chunkSizeWarningLimit: 2000,
      rolldownOptions: { checks: { importIsUndefined: false } },
    },
  },
})
