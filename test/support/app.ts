import { createPinia, type Pinia } from 'pinia'
import { createApp, type App } from 'vue'
import { createAITransport, type AITransport } from '../../src'
import type { AITransportOptions } from '../../src/store/transport'

/** An app with Pinia and a transport, not mounted: `app.runWithContext` and `mount(..., { global: { plugins } })` use it. */
export function aiPlugins(options: AITransportOptions): {
  pinia: Pinia
  transport: AITransport
  plugins: [Pinia, AITransport]
} {
  const pinia = createPinia()
  const transport = createAITransport({ agents: () => true, ...options })
  return { pinia, transport, plugins: [pinia, transport] }
}

/** An app without a page, for composables outside of components. */
export function bareApp(options: AITransportOptions): App {
  const { plugins } = aiPlugins(options)
  const app = createApp({ render: () => null })
  for (const plugin of plugins) app.use(plugin)
  return app
}
