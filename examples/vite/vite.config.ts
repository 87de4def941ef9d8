import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vite'
import { localAbly } from 'vue-ai-transport/local/vite'

export default defineConfig({
  plugins: [vue(), localAbly({ agent: './server/agent.ts' })],
})
