import type { ClientOptions } from 'ably'
import { makeApp } from './app'

/** What the server has put on the page. */
declare const served: { options: ClientOptions; states: Record<'page' | 'island', Record<string, never>> }

for (const kind of ['page', 'island'] as const) {
  const { app, pinia } = makeApp(kind, served.options)
  pinia.state.value = served.states[kind]
  app.mount(`#${kind}-root`)
}
