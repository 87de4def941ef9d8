import { renderToString } from '@vue/server-renderer'
import * as Ably from 'ably'
import { makeApp } from './app'

/** Renders the page and the island beside it. */
export async function render(options: Ably.ClientOptions): Promise<string> {
  const [page, island] = await Promise.all(
    (['page', 'island'] as const).map(async (kind) => {
      const { app, pinia } = makeApp(kind, options, () => new Ably.Rest(options))
      return { html: await renderToString(app), state: pinia.state.value }
    }),
  )
  const served = JSON.stringify({ options, states: { page: page!.state, island: island!.state } })
  return `<!doctype html><html lang="en"><head><title>Page</title></head><body>
    <div id="page-root">${page!.html}</div><div id="island-root">${island!.html}</div>
    <script>var served = ${served.replaceAll('<', String.raw`\u003c`)}</script>
    <script type="module" src="/test/e2e/ssr-page/browser.ts"></script></body></html>`
}
