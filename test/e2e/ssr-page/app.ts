import type { RestClient } from 'ably'
import * as Ably from 'ably'
import { createPinia } from 'pinia'
import { createSSRApp, type Component } from 'vue'
import { createAITransport } from '../../../src'
import Lines from './Lines.vue'
import Page from './Page.vue'

/** The page, or an island beside it: an app of its own on the same page. */
export function makeApp(kind: 'page' | 'island', options: Ably.ClientOptions, server?: () => RestClient) {
  const app = createSSRApp((kind === 'page' ? Page : Lines) as Component, kind === 'page' ? {} : { label: 'island' })
  const pinia = createPinia()
  app.use(pinia)
  app.use(createAITransport({ client: () => new Ably.Realtime(options), agents: 'writer', server }))
  return { app, pinia }
}
